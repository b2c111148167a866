"""Every error a caller may want to catch.

PreceptorError              one line for a person: what happened, with which value, what to do
  ConfigError               a key of preceptor.yaml is unknown, missing or bad; carries the key's path
  DatasetError              a file of examples cannot be used; carries file and line
  ModelError                weights or a model file are missing or not what they claim to be
  StoreError                the store cannot be read or written (disk full, locked, wrong schema)
    LeaseLostError          another worker took over the rows this one had leased
  UpstreamError             a model server did not give a usable answer; carries kind and status
"""

from __future__ import annotations

import enum


class PreceptorError(Exception):
    """Base of all errors whose text may be shown to a user as it is: one line, no secrets, no user text."""


class ConfigError(PreceptorError):
    """A setting cannot be used.  `path` is the key in dotted form, such as `tasks.intent.shadow.rate`."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}" if path else problem)
        self.path = path


class DatasetError(PreceptorError):
    """A data file cannot be used; the text names the file and, where there is one, the line."""


class ModelError(PreceptorError):
    """A model cannot be loaded: missing, damaged, or not the one whose hash was pinned."""


class StoreError(PreceptorError):
    """The store refused to read or write.  Nothing of the call took effect; it may be tried again."""


class LeaseLostError(StoreError):
    """Rows leased by this worker now belong to another; the whole batch was rolled back."""


class UpstreamFailure(enum.StrEnum):
    """Why an upstream gave no usable answer; bounded, so that it may be a metric label."""

    CONNECT = "connect"
    TIMEOUT = "timeout"
    DISCONNECT = "disconnect"
    PROTOCOL = "protocol"
    STATUS = "status"
    OVERLOADED = "overloaded"  # it was not asked: too many calls wait for it, or it failed too often


class UpstreamError(PreceptorError):
    """A model server could not be reached, broke off, or did not speak HTTP."""

    def __init__(self, kind: UpstreamFailure, problem: str) -> None:
        super().__init__(problem)
        self.kind = kind
