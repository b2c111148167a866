from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain import config
from domain.clock import ManualClock
from domain.errors import ConfigError
from domain.ports import Subject
from domain.records import Stage, Verdict
from domain.settings import OutputSettings, Settings
from policies.app import build, default_policies, load

LABELS = {"labels": ["refund", "cancel"]}
CARD, KEY = "4111 1111 1111 1111", "sk-" + "aB3dE6gH9jK2mN5pQ8sT1vW4"


def task(
    output: dict[str, Any], policies: dict[str, Any] | None = None, *, root: Path = Path(), **more: Any
) -> Settings:
    """The configuration of one task as the file would give it."""
    model = {"upstream": "up", "model": "m"}
    given = {"teacher": model, "student": model, "output": output, **more}
    document = {
        "upstreams": {"up": {"base_url": "http://127.0.0.1:1/v1"}},
        "embedders": {"minilm": {}},
        "tasks": {"t": given if policies is None else given | {"policies": policies}},
    }
    return config.parse(document, environ={}, root=root)


@pytest.mark.parametrize(
    ("stage", "output", "text", "verdict"),
    [
        (Stage.INPUT, LABELS, "where is my refund?", Verdict.ALLOW),
        (Stage.INPUT, LABELS, "a" * 100_001, Verdict.BLOCK),
        (Stage.INPUT, LABELS, KEY, Verdict.FLAG),
        (Stage.INPUT, LABELS, CARD, Verdict.FLAG),
        (Stage.OUTPUT, LABELS, "Refund.", Verdict.ALLOW),
        (Stage.OUTPUT, LABELS, "perhaps", Verdict.FALLBACK),
        (Stage.OUTPUT, {"text": {}}, "perhaps", Verdict.ALLOW),
        (Stage.OUTPUT, {"text": {}}, " ", Verdict.BLOCK),
        (Stage.OUTPUT, {"text": {}}, "a" * 20_001, Verdict.BLOCK),
        (Stage.OUTPUT, {"text": {}}, f"the key is {KEY}", Verdict.BLOCK),
        (Stage.OUTPUT, {"text": {}}, f"the card is {CARD}", Verdict.REDACT),
        (Stage.OUTPUT, {"json_schema": "s.json"}, '{"a": 1}', Verdict.ALLOW),
        (Stage.OUTPUT, {"json_schema": "s.json"}, "[]", Verdict.FALLBACK),
    ],
)
def test_a_task_without_policies_gets_the_default_chain(
    stage: Stage, output: dict[str, Any], text: str, verdict: Verdict, tmp_path: Path
) -> None:
    """Safe by default: structure and length fall back, secrets in an answer are blocked, personal data is redacted."""
    (tmp_path / "s.json").write_text(json.dumps({"type": "object"}))
    engine = build(task(output, root=tmp_path), "t", clock=ManualClock())
    assert engine.judge(Subject(stage, (text,), (0,) if stage is Stage.OUTPUT else ())).verdict is verdict


@pytest.mark.parametrize(
    ("output", "first"),
    [(LABELS, "label"), ({"json_schema": "s.json"}, "json_schema"), ({"text": {}}, "length")],
)
def test_the_default_chain_begins_with_structure(output: dict[str, Any], first: str) -> None:
    """The cheapest check that fails most often comes first."""
    chain = default_policies(task(output).tasks["t"].output)
    assert [check.name for check in chain.input] == ["length", "secrets", "pii", "injection"]
    assert chain.output[0].name == first
    assert [check.name for check in chain.output[-4:]] == ["length", "secrets", "pii", "markup"]


def test_redacted_text_names_what_was_there() -> None:
    """`[card]` tells the reader more than `[pii]`, and gives nothing away."""
    engine = build(task({"text": {}}), "t")
    judged = engine.judge(Subject(Stage.OUTPUT, (f"card {CARD}, mail a@b.co",), (0,)))
    assert judged.texts == ("card [card], mail [email]",)


def test_settings_override_the_verdict() -> None:
    """The operator's verdict replaces the default one."""
    engine = build(task({"text": {}}, {"output": [{"pii": {"verdict": "block"}}]}), "t")
    assert engine.judge(Subject(Stage.OUTPUT, (CARD,), (0,))).verdict is Verdict.BLOCK


def test_an_empty_list_turns_a_stage_off() -> None:
    """Policies that are given replace the default chain whole."""
    engine = build(task(LABELS, {"output": ["label"]}), "t")
    assert not engine.watches(Stage.INPUT)
    assert engine.watches(Stage.OUTPUT)


@pytest.mark.parametrize(
    ("output", "policies", "path", "problem"),
    [
        (
            LABELS,
            {"input": ["pi"]},
            "input.0",
            "unknown check 'pi'; known are charset, domain, echo, grounding, guardrails, http, injection, json_schema",
        ),
        (LABELS, {"input": ["pii", "label"]}, "input.1", "label is not for the input but the output"),
        (LABELS, {"input": ["json_schema"]}, "input.0", "not for the input"),
        ({"text": {}}, {"output": ["label"]}, "output.0.label", "the task has no labels"),
        (LABELS, {"output": ["json_schema"]}, "output.0.json_schema", "the task has no schema"),
        ({"json_schema": "gone.json"}, {"output": ["json_schema"]}, "output.0.json_schema", "No such file"),
        (LABELS, {"output": ["label", {"pii": {"kinds": ["name"]}}]}, "output.1.pii.kinds", "some of email, card"),
        (LABELS, {"output": [{"pii": {"kinds": [1]}}]}, "output.0.pii.kinds.0", "Expected `str`, got `int`"),
        (LABELS, {"output": [{"pii": {"kind": "email"}}]}, "output.0.pii.kind", "unknown option; known are kinds"),
        (LABELS, {"output": [{"label": {"labels": ["a"]}}]}, "output.0.label.labels", "known are exact"),
        (LABELS, {"output": [{"length": {"max_chars": "9"}}]}, "output.0.length.max_chars", "Expected `int | null`"),
        (LABELS, {"output": [{"length": {"max_chars": 0}}]}, "output.0.length.max_chars", "at least 1"),
        (LABELS, {"input": [{"pii": {"verdict": "redact"}}]}, "input.0.pii.verdict", "an input is not redacted"),
        (LABELS, {"output": [{"pii": {"on_error": "redact"}}]}, "output.0.pii.on_error", "nothing to redact"),
        (LABELS, {"input": ["pii", {"pii": {"kinds": ["card"]}}]}, "input.1", "two checks called 'pii'"),
        (LABELS, {"input": [{"pii": {"applies_to": {"texts": ["content"]}}}]}, "input.0.pii.applies_to", "use roles"),
        (LABELS, {"output": [{"pii": {"applies_to": {"roles": ["user"]}}}]}, "output.0.pii.applies_to.roles", "texts"),
        (LABELS, {"output": ["label"], "stream": "window"}, "output.0.label", "it judges whole answers only"),
        ({"text": {}}, {"output": [{"pii": {"run": "pooled"}}]}, "output.0.pii", "it judges whole answers only"),
        ({"text": {}}, {"output": [{"pii": {"verdict": "fallback"}}]}, "output.0.pii.verdict", "cannot fall back"),
        (LABELS, {"input": [{"http": {"upstream": "no"}}]}, "input.0.http.upstream", "unknown name 'no'; known are up"),
        (LABELS, {"input": [{"http": {"upstream": "up", "run": "inline"}}]}, "input.0.http.run", "leave `run` out"),
        (LABELS, {"input": [{"domain": {"model": "gone.gate"}}]}, "input.0.domain.model", "gone.gate"),
        (
            LABELS,
            {"input": [{"guardrails": {"validator": "a:b"}}]},
            "input.0.guardrails",
            "pip install 'preceptor[guardrails]'",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_with_its_path(
    output: dict[str, Any], policies: dict[str, Any], path: str, problem: str
) -> None:
    """The message names the key to change and what would be right, in one line."""
    with pytest.raises(ConfigError) as caught:
        build(task(output, policies, root=Path("/nowhere")), "t")
    assert caught.value.path == f"tasks.t.policies.{path}"
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fallback_needs_a_teacher() -> None:
    """A policy that promises one where nobody would answer is refused."""
    settings = task(LABELS, {"output": [{"label": {"verdict": "fallback"}}]}, fallback="block")
    with pytest.raises(ConfigError, match=r"^tasks.t.policies.output.0.label.verdict: the task has `fallback: block`"):
        build(settings, "t")


def test_a_cascade_judges_whole_answers() -> None:
    """Its answers wait whole, and a policy that says otherwise is refused."""
    assert build(task({"text": {}}, cascade={"threshold": 0.5}), "t").window is None
    with pytest.raises(ConfigError, match=r"^tasks.t.policies.stream: the cascade judges whole answers"):
        build(task({"text": {}}, {"stream": "window"}, cascade={"threshold": 0.5}), "t")


@pytest.mark.parametrize(
    ("output", "policies", "streams"),
    [
        ({"text": {}}, None, True),
        (LABELS, None, False),
        ({"text": {}}, {"output": ["pii"], "stream": "buffer"}, False),
        (LABELS, {"output": ["pii"], "stream": "window"}, True),
    ],
)
def test_free_text_leaves_in_a_window_and_other_answers_whole(
    output: dict[str, Any], policies: dict[str, Any] | None, streams: bool
) -> None:
    """Unless the policy says otherwise."""
    assert (build(task(output, policies), "t").window is not None) is streams


def test_a_shadow_may_judge_what_the_window_cannot() -> None:
    """It keeps nothing back: it sees the answer at its end."""
    engine = build(task({"text": {}}, {"output": [{"pii": {"mode": "shadow", "verdict": "fallback"}}]}), "t")
    assert engine.window == 0


def test_the_hash_names_the_policy() -> None:
    """The same settings have the same hash, whatever else the file holds; another option has another."""
    default = build(task(LABELS), "t").sha256
    assert build(task(LABELS, journal={"rate": 0.5}), "t").sha256 == default
    others = [task({"labels": ["refund", "other"]}), task(LABELS, {"output": ["label"]}), task({"text": {}})]
    others.append(task(LABELS, {"output": [{"label": {"mode": "shadow"}}]}))
    assert len({default, *(build(each, "t").sha256 for each in others)}) == len(others) + 1


def test_the_hash_knows_what_is_in_the_schema(tmp_path: Path) -> None:
    """A file that changed is another policy."""
    path = tmp_path / "s.json"
    found = set()
    for kind in ("object", "array"):
        path.write_text(json.dumps({"type": kind}))
        found.add(build(task({"json_schema": "s.json"}, root=tmp_path), "t").sha256)
    assert len(found) == 2


def test_default_policies_need_only_the_output_settings() -> None:
    """The CLI shows the chain of a task before anything is built."""
    assert default_policies(OutputSettings(text={})).output[0].name == "length"


def test_a_file_is_loaded_with_its_policies_tried(tmp_path: Path) -> None:
    """A file that reads well but names a check that cannot be built is refused with the path of the key."""
    model = {"upstream": "up", "model": "m"}
    policies = {"output": ["label"]}
    document: dict[str, Any] = {
        "upstreams": {"up": {"base_url": "http://127.0.0.1:1/v1"}},
        "embedders": {"minilm": {}},
        "tasks": {"t": {"teacher": model, "student": model, "output": LABELS, "policies": policies}},
    }
    path = tmp_path / "preceptor.yaml"
    path.write_text(json.dumps(document))
    assert list(load(path).tasks) == ["t"]
    policies["output"].append("lable")
    path.write_text(json.dumps(document))
    with pytest.raises(ConfigError, match=r"^tasks.t.policies.output.1: unknown check 'lable'"):
        load(path)
