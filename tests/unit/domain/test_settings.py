from __future__ import annotations

import msgspec
import pytest

from domain import settings


@pytest.mark.parametrize(
    ("section", "values", "problem"),
    [
        (settings.ServerSettings, {"port": 0}, "port"),
        (settings.ServerSettings, {"port": 8000, "admin_port": 8000}, "differ"),
        (settings.ServerSettings, {"workers": 0}, "workers"),
        (settings.ServerSettings, {"max_body_bytes": 10}, "max_body_bytes"),
        (settings.StoreSettings, {"url": "mysql://x"}, "sqlite"),
        (settings.UpstreamSettings, {"base_url": "ftp://x"}, "base_url"),
        (settings.UpstreamSettings, {"base_url": "http://x", "timeout_s": 0}, "timeout_s"),
        (settings.OutputSettings, {}, "exactly one"),
        (settings.OutputSettings, {"labels": ["a", "b"], "text": {}}, "exactly one"),
        (settings.OutputSettings, {"labels": ["a", "a"]}, "differ"),
        (settings.OutputSettings, {"labels": ["a"]}, "two or more"),
        (settings.CheckSettings, {"name": "pii", "budget_ms": 0}, "budget_ms"),
        (settings.JournalSettings, {"rate": 1.1}, "rate"),
        (settings.JournalSettings, {"queue": 0}, "queue"),
        (settings.ShadowSettings, {"rate": -0.1}, "rate"),
        (settings.ShadowSettings, {"rate": 0.2, "flagged_rate": 0.1}, "flagged_rate"),
        (settings.ShadowSettings, {"max_usd_per_day": -1}, "max_usd_per_day"),
        (settings.ShadowSettings, {"concurrency": 0}, "concurrency"),
        (settings.ShadowSettings, {"expire": "soon"}, "duration"),
        (settings.DriftSettings, {"false_alarm_days": 0}, "false_alarm_days"),
        (settings.AgreementSettings, {"window": 5}, "window"),
        (settings.SignalSettings, {"cooldown": "1 week"}, "duration"),
        (settings.EmbedderSettings, {"sha256": "abc"}, "sha256"),
        (settings.NotifierSettings, {"webhook": "mailto:x"}, "webhook"),
        (settings.StudentServerSettings, {"port": 70000}, "port"),
        (settings.ServerSettings, {"prot": 1}, "prot"),
    ],
)
def test_bad_values_are_refused(section, values, problem):
    """Every limit must be checked when the file is read, never on traffic."""
    with pytest.raises(msgspec.ValidationError, match=problem):
        msgspec.convert(values, section)


def test_price_of_a_model():
    """A model without a price must be free, a named one must come from the sheet, a given one must be taken."""
    model = {"upstream": "u", "model": "m"}
    prices = [
        msgspec.convert(model | extra, settings.ModelSettings).priced(path="p")
        for extra in ({}, {"price": "gpt-4o"}, {"price": {"input": 1, "output": 2}})
    ]
    assert [(price.input, price.output) for price in prices] == [(0, 0), (2.5, 10), (1, 2)]


@pytest.mark.parametrize(
    ("output", "configured", "name"),
    [
        ({"labels": ["a", "b"]}, "", "label"),
        ({"json_schema": "s.json"}, "", "json"),
        ({"text": {}}, "", "exact"),
        ({"labels": ["a", "b"]}, "exact", "exact"),
    ],
)
def test_the_comparer_follows_the_output(output, configured, name):
    """A JSON task must not be compared as labels only because nobody said otherwise."""
    model = {"upstream": "u", "model": "m"}
    task = {"teacher": model, "student": model, "output": output, "agreement": {"comparer": configured}}
    assert msgspec.convert(task, settings.TaskSettings).comparer == name


def test_a_cascade_needs_somebody_to_ask():
    """Without the teacher behind it, an answer that the student is not sure of could go nowhere."""
    model = settings.ModelSettings(upstream="u", model="m")
    with pytest.raises(ValueError, match="cascade needs fallback: teacher"):
        settings.TaskSettings(
            teacher=model,
            student=model,
            output=settings.OutputSettings(text={}),
            fallback="block",
            cascade=settings.CascadeSettings(),
        )


@pytest.mark.parametrize(
    ("output", "configured", "name"),
    [
        ({"labels": ["a", "b"]}, "judge", "label"),
        ({"json_schema": "s.json"}, "text", "json"),
        ({"text": {}}, "text", "exact"),
        ({"labels": ["a", "b"]}, "exact", "exact"),
        ({"json_schema": "s.json"}, "", "json"),
    ],
)
def test_held_out_rows_are_compared_without_a_model(output, configured, name):
    """A task whose live answers a model compares can still be evaluated and promoted."""
    agreement: dict[str, object] = {"comparer": configured}
    if configured == "judge":
        agreement["judge"] = {"upstream": "u", "model": "m"}
    model = {"upstream": "u", "model": "m"}
    values = {"teacher": model, "student": model, "output": output, "agreement": agreement}
    assert msgspec.convert(values, settings.TaskSettings).held_out_comparer == name
