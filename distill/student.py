"""The artefact of distillation: a folder with `manifest.json` and `head.npz`, and the student that it holds.

Written whole or not at all, never changed afterwards, verified at load.  Nothing in it can run code.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from domain.errors import ConfigError, ModelError
from domain.ports import Embedder, Student
from domain.records import Manifest
from domain.settings import Settings

MANIFEST = "manifest.json"
HEAD = "head.npz"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


class StudentHead(msgspec.Struct, frozen=True, eq=False):
    """A softmax layer on embeddings: weights of shape (labels, dimensions), bias of shape (labels,)."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    labels: tuple[str, ...]

    def logits(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Unnormalised log-probabilities of unit vectors (rows, dimensions); shape (rows, labels)."""
        return vectors @ self.weights.T + self.bias

    def probabilities(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Label probabilities of unit vectors (rows, dimensions); shape (rows, labels), rows sum to 1."""
        logits = self.logits(vectors)
        grown = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = grown / grown.sum(axis=1, keepdims=True)
        return shares

    def encode(self) -> bytes:
        """The layer as an .npz file; the same weights give the same bytes."""
        body = io.BytesIO()
        np.savez(body, weights=self.weights, bias=self.bias)
        return body.getvalue()


class HeadStudent:
    """An embedder and a head, bound together by their manifest."""

    def __init__(self, manifest: Manifest, head: StudentHead, embedder: Embedder) -> None:
        if embedder.sha256 != manifest.embedder_sha256:
            raise ModelError(
                f"student {manifest.model} was trained on embedder {manifest.embedder} "
                f"{manifest.embedder_sha256[:12]}, but {embedder.sha256[:12]} is configured; retrain or restore it"
            )
        self.manifest = manifest
        self._head = head
        self._embedder = embedder

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """See `domain.ports.Student`."""
        return self._head.probabilities(self._embedder.embed(texts))


def students_folder(settings: Settings) -> Path:
    """Where the students of a configuration lie.

    Raises:
        ConfigError: it has no such folder.
    """
    if settings.students is None:
        raise ConfigError("students", "the section is missing; write `students: {path: var/students}`")
    return Path(settings.root) / settings.students.path


def student_folder(root: Path, model: str) -> Path:
    """Where the student called `model` lies.

    Raises:
        ModelError: the name could leave the folder of students.
    """
    if not _NAME.fullmatch(model):
        raise ModelError(f"{model[:64]!r} cannot name a student; use letters, digits, '.', '_', ':' and '-'")
    return root / model


def require_new(root: Path, model: str) -> Path:
    """The folder of a student that is yet to be written.

    Raises:
        ModelError: there is a student of that name, or it cannot be a name.
    """
    folder = student_folder(root, model)
    if folder.exists():
        raise ModelError(f"student {model} exists in {root} and students never change; choose another name")
    return folder


def save(root: Path, manifest: Manifest, head: StudentHead) -> Manifest:
    """Write a new student; returns its manifest with the hash of its weights.

    Raises:
        ModelError: there is a student of that name, or the disk refused.
    """
    folder = require_new(root, manifest.model)
    body = head.encode()
    sealed = msgspec.structs.replace(manifest, model_sha256=hashlib.sha256(body).hexdigest())
    draft = root / f".{manifest.model}.{os.getpid()}.tmp"
    try:
        draft.mkdir(parents=True)
        _write(draft / HEAD, body)
        _write(draft / MANIFEST, msgspec.json.format(msgspec.json.encode(sealed)))
        draft.rename(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise ModelError(f"cannot write student {manifest.model} to {root}: {error.strerror}") from None
    return sealed


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the student in `folder`.

    Raises:
        ModelError: it is missing or damaged.
    """
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except OSError as error:
        raise ModelError(f"no student in {folder}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ModelError(f"{folder / MANIFEST} is damaged; train the student again") from None


def load(folder: Path) -> tuple[Manifest, StudentHead]:
    """The student in `folder`, verified against its manifest.

    Raises:
        ModelError: a file is missing or damaged, or the weights are not those of the manifest.
    """
    manifest = read_manifest(folder)
    try:
        body = (folder / HEAD).read_bytes()
    except OSError as error:
        raise ModelError(f"no weights in {folder}: {error.strerror}") from None
    found = hashlib.sha256(body).hexdigest()
    if found != manifest.model_sha256:
        raise ModelError(
            f"{folder / HEAD} has sha256 {found[:12]}, its manifest says {manifest.model_sha256[:12]}; train it again"
        )
    return manifest, _decode(body, manifest, folder)


def _decode(body: bytes, manifest: Manifest, folder: Path) -> StudentHead:
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            head = StudentHead(arrays["weights"], arrays["bias"], manifest.labels)
    except (ValueError, KeyError, OSError, zipfile.BadZipFile):
        raise ModelError(f"{folder / HEAD} holds no softmax head; train the student again") from None
    rows = len(manifest.labels)
    if head.weights.ndim != 2 or head.weights.shape[0] != rows or head.bias.shape != (rows,):
        raise ModelError(f"{folder / HEAD} does not fit the {rows} labels of its manifest; train the student again")
    return head


def _write(path: Path, body: bytes) -> None:
    with path.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


if TYPE_CHECKING:

    def _guard(student: HeadStudent) -> Student:
        return student
