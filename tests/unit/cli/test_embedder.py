from __future__ import annotations

import hashlib
import json

import pytest
import yaml

from domain.settings import EmbedderSettings
from embedders.exports import Place
from tests.unit.embedders.samples import static_export, tiny_model


@pytest.fixture
def configured(tmp_path):
    """A function that writes a configuration with these embedders and returns its path."""

    def write(**embedders):
        chat = {"upstream": "oracle", "model": "m"}
        document = {
            "upstreams": {"oracle": {"base_url": "http://127.0.0.1:1/v1", "api_key": "sk"}},
            "tasks": {
                "tickets": {
                    "teacher": chat,
                    "student": chat,
                    "output": {"labels": ["a", "b"]},
                    "drift": {"embedder": next(iter(embedders))},
                }
            },
            "embedders": embedders,
        }
        path = tmp_path / "preceptor.yaml"
        path.write_text(yaml.safe_dump(document))
        return path

    return write


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("words", "embedders.words.backend: hashing needs no export; set it to onnx-int8 or static"),
        ("other", "embedders: no 'other'; configured are gone, words"),
        ("gone", "there is no such folder"),
        ("all", "there is no such folder"),
    ],
)
def test_what_cannot_be_exported_is_one_line(run, configured, name, problem):
    """With the key to change."""
    path = configured(words={"backend": "hashing"}, gone={"model": "/nowhere/model", "backend": "static"})
    code, out, err = run("embedder", "export", "--embedder", name, "-c", path)
    assert (code, out) == (2, "")
    assert problem in err
    assert "Traceback" not in err


def test_nothing_to_export_is_said(run, configured):
    """A configuration whose embedders run on what they are."""
    code, out, _ = run("embedder", "export", "-c", configured(words={"backend": "hashing"}))
    assert code == 0
    assert out == "nothing to export: no embedder has the backend onnx-int8 or static\n"


def test_what_is_there_stays(run, configured, tmp_path):
    """A script may run the command before every start; the cache lies beside the configuration."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"weights")
    settings = EmbedderSettings(model=str(model), backend="static", cache="cache")
    folder = static_export(Place(settings, tmp_path).of(hashlib.sha256(b"weights").hexdigest()))
    path = configured(fast={"model": str(model), "backend": "static", "cache": "cache"})
    code, out, _ = run("embedder", "export", "-c", path)
    assert code == 0
    assert out.startswith(f"fast: unchanged in {folder} (0 MiB, sha256 ")
    code, out, _ = run("embedder", "export", "--json", "-c", path)
    (line,) = json.loads(out)
    assert (line["embedder"], line["backend"], line["new"], line["folder"]) == ("fast", "static", False, str(folder))
    assert line["bytes"] > 0
    assert len(line["sha256"]) == 64


@pytest.mark.slow
def test_every_embedder_that_needs_one_gets_its_export(run, configured, tmp_path):
    """One command for all backends; a bar on standard error, a line for each on standard output."""
    model = str(tiny_model(tmp_path / "tiny"))
    shared = {"model": model, "cache": "cache"}
    path = configured(
        quick={**shared, "backend": "static"}, small={**shared, "backend": "onnx-int8"}, words={"backend": "hashing"}
    )
    code, out, err = run("embedder", "export", "-c", path)
    assert code == 0
    assert [line.split(" in ")[0].split(" /")[0] for line in out.splitlines()] == [
        "quick: exported to",
        "small: exported to",
    ]
    assert "export small (onnx-int8)" in err
    assert sorted(path.name.split("-")[1] for path in (tmp_path / "cache").iterdir()) == ["int8", "static"]
