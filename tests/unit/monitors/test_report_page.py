from __future__ import annotations

import pytest

from domain.records import Agreement
from monitors import shares
from monitors.attribution import Attribution, Cluster, Example, Examples, Vocabulary
from monitors.mix import Day, mix
from monitors.report_page import moment, summary, with_summary
from monitors.standing import Outlook, Standing
from monitors.words import Word

EVIL = "<script>alert('1')</script>"


def attribution(*, drifted=True, text="where is [email]"):
    """One with everything in it."""
    now, before = shares.counted(120, 1000), shares.counted(40, 1000)
    change = shares.change(now, before)
    assert change is not None
    agreement = Agreement(0.951, 0.93, 0.97, 412)
    examples = Examples((Example("x1", 0.9, text),), (Example("x2", 0.4, text),))
    vocabulary = Vocabulary((Word("tariff", 12, 1, 4.2),), "inputs before")
    outlook = Outlook(Standing.STABLE, agreement, Agreement(0.75, 0.6, 0.85, 40), 0.94)
    return Attribution(
        task="t", model="v1", sentence="drift but agreement stable", drifted=drifted, since=1_774_700_000.0,
        until=1_774_720_000.0, onset_found=True, inputs=1000, different=900, flagged=now, flagged_reference=0.06,
        clusters=(Cluster(3, ("parcel",), now, before, change, 99),), vocabulary=vocabulary, examples=examples,
        outlook=outlook,
    )  # fmt: skip


def test_the_conclusion_comes_first():
    """Then since when, how many, the errors, the topics, the words, and the examples."""
    page = summary("t: drift", attribution=attribution(), mix=None, time_zone="Europe/Berlin")
    places = [
        page.index(text)
        for text in (
            "t: drift",
            "Drift but agreement stable.",
            "2026-03-28 13:13 CET",
            "1,000 inputs, 900 of them different",
            "disagree on 25.0% [15.0%, 40.0%] of 40 pairs",
            "Which topics grew",
            "x2.98 [",
            "inputs before",
            "tariff",
            "where is [email]",
        )
    ]
    assert places == sorted(places)


def test_without_drift_there_is_nothing_to_explain():
    """No words and no examples of ordinary inputs: they would only be read by chance."""
    page = summary("t", attribution=attribution(drifted=False), mix=None, time_zone="UTC")
    assert not any(text in page for text in ("tariff", "where is", "Which topics grew"))


def test_a_day_is_told_by_its_mix():
    """The words, then a row for each cluster."""
    found = mix(
        "t",
        Day("2026-03-29", 1000, 1000, 52, {0: 500, 1: 500}),
        Day("2026-03-22", 0, 0, 0, {}),
        sizes=[900, 100],
        flagged_reference=0.06,
        names={1: ("refund",)},
    )
    page = summary("t", attribution=None, mix=found, time_zone="UTC")
    assert "Cluster 1 (refund) grew to 50.0%" in page
    assert page.count("<tr>") == 3


@pytest.mark.parametrize("where", ["title", "text"])
def test_what_a_user_wrote_is_only_text(where):
    """Nothing that comes from outside becomes an element of the page."""
    title, text = (EVIL, "x") if where == "title" else ("t", EVIL)
    page = summary(title, attribution=attribution(text=text), mix=None, time_zone="UTC")
    assert EVIL not in page
    assert "&lt;script&gt;" in page
    assert EVIL not in with_summary("<html><head></head><body></body></html>", "", title=title)


def test_the_summary_stands_at_the_beginning_of_the_body():
    """Whatever attributes the body has; it is put there once, and a backslash in it is a backslash."""
    page = with_summary("<html><head><x></head><body class='a'><p></body></html>", r"\1 told", title="T & co")
    assert "<body class='a'><div class='preceptor'>\\1 told</div><p>" in page
    assert page.index("<title>T &amp; co</title>") < page.index("<x>")


def test_moments_are_of_the_time_zone():
    """With its name, so that nobody takes it for another."""
    assert moment(1_774_700_000.0, "UTC") == "2026-03-28 12:13 UTC"
