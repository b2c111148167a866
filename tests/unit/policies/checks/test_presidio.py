"""What needs no Presidio; the rest is in tests/plugins, with the real package."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import pytest

from domain.errors import ConfigError
from policies.checks.presidio import Options, PresidioCheck


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"model": "en", "score_threshold": 1.1},
        {"model": "en", "score_threshold": -0.1},
        {"model": "en", "entities": "PERSON"},
        {"model": "en", "download": True},
    ],
)
def test_bad_shapes_are_refused(options: dict[str, Any]) -> None:
    """The operator must give a model; a threshold is a share; there is nothing to download with."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(options, Options)


def test_a_model_must_be_named() -> None:
    """None is chosen for the operator."""
    with pytest.raises(ConfigError) as caught:
        Options(model="")
    assert caught.value.path == "model"


@pytest.mark.parametrize("missing", ["presidio_analyzer", "spacy"])
def test_without_the_packages_the_error_says_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that needs Presidio is refused where it is not installed."""
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=r"pip install 'preceptor\[presidio\]'"):
        PresidioCheck(Options(model="en_core_web_sm"))
