from __future__ import annotations

import itertools

import pytest

from domain.errors import ModelError
from domain.settings import EmbedderSettings
from embedders.app import build
from embedders.exports import Place
from monitors.reference import Reference
from tests.contract.check_embedder import CHECKS
from tests.unit.embedders.samples import WEIGHTS, int8_export, minilm_exports, static_export

BY_HAND = {"onnx-int8": int8_export, "static": static_export}


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory):
    """Those that need no torch: exports made by hand, and word hashing."""
    root = tmp_path_factory.mktemp("by-hand")
    ours = {"hashing": build(EmbedderSettings(backend="hashing"))}
    for backend, make in BY_HAND.items():
        settings = EmbedderSettings(backend=backend, model=f"{backend} by hand", cache="cache")
        make(Place(settings, root).of(WEIGHTS), model=settings.model)
        ours[backend] = build(settings, root=root)
    return ours


@pytest.fixture(scope="module")
def embedder(request, tmp_path_factory):
    """The default model on one backend."""
    cache = str(minilm_exports(tmp_path_factory.getbasetemp()))
    return build(EmbedderSettings(backend=request.param, cache=cache))


@pytest.mark.parametrize("backend", ["hashing", *BY_HAND])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_backend_keeps_to_the_port(check, backend, by_hand):
    """Every backend passes every check of the contract."""
    check(by_hand[backend])


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("embedder", ["sentence-transformers", *BY_HAND], indirect=True, scope="module")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_default_model_keeps_to_the_port(check, embedder):
    """With real weights as well."""
    check(embedder)


def test_two_embedders_are_never_mixed(by_hand):
    """Their hashes differ, even with the same model, and a reference of one refuses the other."""
    texts = [f"{word} {number}" for word in ("order", "refund", "parcel") for number in range(40)]
    built = {one.name: Reference(one.embed(texts), embedder=one.name, sha256=one.sha256) for one in by_hand.values()}
    assert len({reference.sha256 for reference in built.values()}) == len(by_hand)
    for one, other in itertools.permutations(by_hand.values(), 2):
        built[one.name].check(one)
        with pytest.raises(ModelError, match=f"was built with the embedder {one.name}"):
            built[one.name].check(other)
