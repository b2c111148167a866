"""The presidio check with the real Presidio, and a model as an operator would give it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigError
from domain.ports import Subject
from domain.records import Decision, Span, Stage, Verdict
from policies.checks.presidio import Options, PresidioCheck
from policies.redaction import redact
from tests.contract.check_check import holds_for, subjects

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("presidio_analyzer") is None, reason="make test-plugins"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model that has no statistics, and one that knows two names."""
    import spacy

    root = tmp_path_factory.mktemp("models")
    spacy.blank("en").to_disk(root / "blank")
    spacy.blank("de").to_disk(root / "german")
    named = spacy.blank("en")
    named.add_pipe("entity_ruler").add_patterns(
        [{"label": "PERSON", "pattern": "Ada Lovelace"}, {"label": "GPE", "pattern": "London"}]
    )
    named.to_disk(root / "named")
    return root


@pytest.fixture(scope="module")
def blank(folder: Path) -> PresidioCheck:
    """The check with the pattern recognisers alone."""
    return PresidioCheck(Options(model="blank"), root=folder)


@pytest.fixture(scope="module")
def named(folder: Path) -> PresidioCheck:
    """The check with a model that finds names."""
    return PresidioCheck(Options(model="named", entities=("PERSON", "LOCATION")), root=folder)


def answer(*texts: str) -> Subject:
    """An answer with a choice for each text."""
    return Subject(Stage.OUTPUT, texts, tuple(range(len(texts))), "hello")


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("", set()),
        ("my parcel has not come", set()),
        ("pay with 4111 1111 1111 1111", {"credit_card"}),
        ("pay with 4111-1111-1111-1111 today", {"credit_card"}),
        ("pay with 4111 1111 1111 1112", set()),
        ("pay with 4111 1111 1111", set()),
        ("mail ada@example.com", {"email_address", "url"}),
        ("mail ada@example", set()),
        ("mail ada at example.com", {"url"}),
        ("mail ada@example.notatld", {"url"}),  # the end of an address is no domain, its beginning is
        ("from DE89 3704 0044 0532 0130 00", {"iban_code"}),
        ("from DE89370400440532013000", {"iban_code"}),
        ("from DE89 3704 0044 0532 0130 01", set()),
        ("host 10.1.2.3 is down", {"ip_address"}),
        ("host 10.1.2 is down", set()),
        ("host 2001:db8::1 is down", {"ip_address"}),
        ("see https://example.com/a", {"url"}),
        ("bitcoin 16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ", {"crypto"}),
        ("bitcoin 16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyX", set()),
        ("my social security number is 078-05-1123", {"us_ssn"}),
        ("order 000-00-0000", set()),
        ("on 2024-05-01 at noon", {"date_time"}),
        ("mac 00:1b:44:11:3a:b7", {"mac_address"}),
        ("Ada Lovelace lives in London", set()),
        ("\x00\U0001f600 é", set()),
    ],
)
def test_structured_kinds_need_no_statistics(blank: PresidioCheck, text: str, kinds: set[str]) -> None:
    """With a blank model what has a format is found, above the threshold, and names are not."""
    decision = blank.inspect(answer(text))
    assert ({span.kind for span in decision.spans} if decision else set()) == kinds
    for subject in subjects(text, "refund"):
        holds_for(blank, subject)


def test_names_come_from_the_operator_s_model(named: PresidioCheck) -> None:
    """The kinds are Presidio's in lower case, the spans are those of the model, and only what was asked for counts."""
    text = "Ada Lovelace (ada@example.com) lives in London"
    decision = named.inspect(answer("hello", text))
    spans = (Span(1, 0, 12, "person"), Span(1, 40, 46, "location"))
    assert decision == Decision("presidio", Verdict.REDACT, "person", spans)
    assert redact(("hello", text), [decision])[1] == "[person] (ada@example.com) lives in [location]"


def test_one_finding_is_enough_without_a_redaction(folder: Path) -> None:
    """The texts after the first with a finding are not looked at."""
    check = PresidioCheck(Options(model="named"), root=folder, all_spans=False)
    decision = check.inspect(answer("London", "London"))
    assert decision is not None
    assert [span.text for span in decision.spans] == [0]


@pytest.mark.parametrize(("threshold", "found"), [(0.0, True), (0.84, True), (0.86, False)])
def test_the_threshold_is_presidio_s_score(folder: Path, threshold: float, found: bool) -> None:
    """What spaCy finds has the score 0.85."""
    check = PresidioCheck(Options(model="named", entities=("PERSON",), score_threshold=threshold), root=folder)
    assert (check.inspect(answer("Ada Lovelace")) is not None) is found


@pytest.mark.parametrize(
    ("options", "key", "problem"),
    [
        ({"model": "missing"}, "model", "cannot load the spaCy model 'missing'"),
        ({"model": "en_core_web_lg"}, "model", "cannot load the spaCy model 'en_core_web_lg'"),
        ({"model": "."}, "model", "cannot load the spaCy model"),
        ({"model": "blank", "entities": ("PERSON", "SHOE_SIZE")}, "entities", "unknown SHOE_SIZE; known are"),
        ({"model": "german"}, "language", "'en' is not that of the model, which is 'de'"),
        ({"model": "blank", "language": "de"}, "language", "'de' is not that of the model, which is 'en'"),
    ],
)
def test_what_cannot_be_loaded_is_refused(folder: Path, options: dict[str, Any], key: str, problem: str) -> None:
    """No model is looked for elsewhere, and nothing is downloaded in its place."""
    with pytest.raises(ConfigError) as caught:
        PresidioCheck(Options(**options), root=folder)
    assert caught.value.path == key
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
