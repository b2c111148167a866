"""What a reader is told must be what the code does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from domain import config

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def template():
    """The configuration that `preceptor init` writes."""
    return resources.files("cli").joinpath("template.yaml").read_text(encoding="utf-8")


def test_the_configuration_reference_is_up_to_date():
    """A changed setting must be in the reference and in the schema."""
    done = subprocess.run(
        [sys.executable, "tools/config_reference.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_template_is_a_good_configuration(tmp_path):
    """What `preceptor init` writes must load, with nothing but the variable that it names."""
    settings = config.parse(yaml.safe_load(template()), environ={"OPENAI_API_KEY": "k"}, root=tmp_path)
    assert list(settings.tasks) == ["ticket-intent"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("port: 8000", "prot: 8000"), ("[length, secrets, pii, injection]", "[lenght]"), ("rate: 0.05", "rate: much")],
)
def test_the_schema_tells_good_from_bad(old, new):
    """An editor with the schema must accept the template and mark a mistake in it."""
    validator = jsonschema_rs.validator_for(json.loads((ROOT / "docs/preceptor.schema.json").read_text()))
    assert validator.is_valid(yaml.safe_load(template()))
    assert not validator.is_valid(yaml.safe_load(template().replace(old, new, 1)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """A relative link in a page must name a file that exists."""
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_metric_is_in_the_list():
    """A metric that a process declares must be in docs/metrics.md, and none that is gone."""
    declared = set()
    for module in (
        "adapters/metrics.py",
        "gateway/metrics.py",
        "gateway/resilience/metrics.py",
        "monitors/metrics.py",
    ):
        declared |= set(re.findall(r'"(preceptor_\w+)"', (ROOT / module).read_text(encoding="utf-8")))
    listed = set(
        re.findall(r"^\| `(preceptor_\w+)`", (ROOT / "docs/metrics.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert listed == declared
