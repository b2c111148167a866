from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from domain import config
from domain.errors import ConfigError
from domain.records import Verdict

GOOD = yaml.safe_load("""
upstreams:
  openai: {base_url: "https://api.openai.com/v1", api_key: "${KEY}"}
tasks:
  intent:
    teacher: {upstream: openai, model: gpt-4o, price: gpt-4o}
    student: {upstream: openai, model: intent-v1}
    output: {labels: [refund, cancel]}
    policies: {input: [secrets], output: [label, {pii: {verdict: redact, kinds: [email]}}]}
    signal: {notify: [ops]}
embedders: {minilm: {}}
notifiers: {ops: {webhook: "https://example.org/hook"}}
""")


def parse(document):
    """The settings in a document, with the one variable that it needs."""
    return config.parse(document, environ={"KEY": "sk-1"}, root=Path("/etc/preceptor"))


def changed(path, value):
    """The good document with one key set to another value."""
    document = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    node = document
    for parent in parents:
        node = node[parent]
    node[last] = value
    return document


def test_a_good_file_is_understood():
    """Secrets must come from the environment, checks may be names or mappings, and defaults must be filled in."""
    settings = parse(GOOD)
    task = settings.tasks["intent"]
    assert settings.upstreams["openai"].api_key == "sk-1"
    assert settings.root == "/etc/preceptor"
    assert [check.name for check in task.policies.output] == ["label", "pii"]
    assert task.policies.output[1].verdict is Verdict.REDACT
    assert task.policies.output[1].options == {"kinds": ["email"]}
    assert task.shadow.rate == 0.01


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("serverr", {}, "serverr: unknown key"),
        ("server", {"prot": 1}, "server.prot: unknown key"),
        ("tasks.intent.shadow", {"rat": 0.1}, "tasks.intent.shadow.rat: unknown key"),
        ("tasks.intent.shadow", {"rate": 3}, "tasks.intent.shadow.rate: Expected `float` <= 1.0"),
        ("tasks.intent.shadow", {"rate": "x"}, "tasks.intent.shadow.rate: Expected `float`, got `str`"),
        ("tasks.intent.student", {"upstream": "openai"}, "tasks.intent.student: Object missing required field `model`"),
        ("tasks.intent.teacher.upstream", "azure", "tasks.intent.teacher.upstream: unknown name 'azure'"),
        ("tasks.intent.teacher.price", "gpt-9", "tasks.intent.teacher.price: no list price for 'gpt-9'"),
        ("tasks.intent.output.labels", ["a", 3], "tasks.intent.output.labels.1: Expected `str`, got `int`"),
        ("tasks.intent.policies.output", [{"pii": {"verdict": "mask"}}], "tasks.intent.policies.output.0.pii.verdict"),
        ("tasks.intent.policies.output", [{"a": {}, "b": {}}], "tasks.intent.policies.output.0: write a check as"),
        ("tasks.intent.policies.output", [{"pii": 3}], "tasks.intent.policies.output.0: the options of 'pii'"),
        ("tasks.intent.policies.inptu", [], "tasks.intent.policies.inptu: unknown key"),
        ("tasks.intent.drift", {"embedder": "bert"}, "tasks.intent.drift.embedder: unknown name 'bert'"),
        ("tasks.intent.signal", {"notify": ["dev"]}, "tasks.intent.signal.notify: unknown name 'dev'; known are ops"),
        ("tasks.intent.agreement", {"comparer": "bleu"}, "tasks.intent.agreement.comparer: Invalid enum value 'bleu'"),
        ("tasks.intent.journal", {"rate": 0.05}, "tasks.intent.shadow: rates must not exceed journal.rate"),
        ("tasks", {}, "tasks: at least one task"),
        ("tasks", [], "tasks: must be a mapping"),
        ("embedders.minilm", {"backend": "onnx"}, "embedders.minilm.backend"),
        ("notifiers.ops.secret", "${HOOK}", "notifiers.ops.secret: the environment variable HOOK is not set"),
    ],
)
def test_bad_files_are_refused_with_the_path_of_the_key(path, value, problem):
    """Whatever is wrong, the message must lead with the dotted path of the key."""
    with pytest.raises(ConfigError) as caught:
        parse(changed(path, value))
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [("a: [", "is not YAML"), ("- 1", "must be a mapping"), ("", "must be a mapping"), ("a: b: c", ":1 is not YAML")],
)
def test_files_that_are_no_configuration(tmp_path, text, problem):
    """A file that is not a YAML mapping must be refused in one line."""
    file = tmp_path / "preceptor.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=problem) as caught:
        config.load(file)
    assert "\n" not in str(caught.value)


def test_missing_and_unreadable_files(tmp_path):
    """A missing file and one that is not text must be told apart, with what to do next."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name, problem in (("missing", "No such file"), ("binary", "not UTF-8")):
        with pytest.raises(ConfigError, match=problem) as caught:
            config.load(tmp_path / name)
        assert "preceptor init" in str(caught.value)


def test_relative_paths_start_from_the_file(tmp_path):
    """The folder of the file must be the root, wherever the process was started."""
    file = tmp_path / "preceptor.yaml"
    file.write_text(yaml.safe_dump(GOOD))
    assert config.load(file, environ={"KEY": "k"}).root == str(tmp_path)
