from __future__ import annotations

import pytest

from distill.answers import answer_rule, output_sha256
from domain.errors import ConfigError
from domain.settings import OutputSettings

SCHEMA = '{"type":"object","required":["city"],"properties":{"city":{"type":"string"}},"additionalProperties":false}'


def _rule(tmp_path, **output):
    (tmp_path / "schema.json").write_text(SCHEMA)
    return answer_rule(OutputSettings(**output), root=tmp_path, path="tasks.t.output")


@pytest.mark.parametrize(
    ("output", "answer", "canonical"),
    [
        ({"labels": ("Address-Change", "refund")}, ' "address change." ', "Address-Change"),
        ({"labels": ("Address-Change", "refund")}, "the label is refund", None),
        ({"json_schema": "schema.json"}, '{ "city" : "Köln" }', '{"city":"Köln"}'),
        ({"json_schema": "schema.json"}, '{"city":1}', None),
        ({"json_schema": "schema.json"}, "city: Köln", None),
        ({"text": {}}, " fine ", "fine"),
        ({"text": {}}, "  ", None),
    ],
)
def test_usable_answers_have_one_spelling(tmp_path, output, answer, canonical):
    """A student must learn one form of each answer, and none that the task forbids."""
    assert _rule(tmp_path, **output).canonical(answer) == canonical


@pytest.mark.parametrize(
    ("output", "group"),
    [({"labels": ("a", "b")}, "a"), ({"json_schema": "schema.json"}, "json"), ({"text": {}}, "text")],
)
def test_answers_have_a_stratum(tmp_path, output, group):
    """Labels are balanced by themselves; free answers are one stratum."""
    assert _rule(tmp_path, **output).group("a") == group


@pytest.mark.parametrize(("file", "reason"), [("none.json", "cannot read"), ("bad.json", "not a JSON schema")])
def test_a_bad_schema_names_its_key(tmp_path, file, reason):
    """The configuration key must be in the error, so that the user finds it."""
    (tmp_path / "bad.json").write_text('{"type": "nonsense"}')
    with pytest.raises(ConfigError, match=rf"tasks\.t\.output\.json_schema: .*{reason}"):
        _rule(tmp_path, json_schema=file)


def test_the_output_hash_follows_the_meaning(tmp_path):
    """The order of labels is no change of the task; another label or another schema is."""
    (tmp_path / "schema.json").write_text(SCHEMA)
    hashes = [
        output_sha256(OutputSettings(**output), root=tmp_path)
        for output in (
            {"labels": ("a", "b")},
            {"labels": ("b", "a")},
            {"labels": ("a", "c")},
            {"json_schema": "schema.json"},
            {"text": {}},
        )
    ]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 4
