from __future__ import annotations

import json

import yaml


def test_init_writes_a_file_once(run, tmp_path, monkeypatch):
    """`init` must not destroy a file that somebody has edited."""
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    file = tmp_path / "preceptor.yaml"
    assert run("init", file)[0] == 0
    file.write_text(file.read_text() + "# mine\n")
    code, _, err = run("init", file)
    assert code == 2
    assert "--force" in err
    assert file.read_text().endswith("# mine\n")
    assert run("init", file, "--force")[0] == 0
    code, out, _ = run("check", "-c", file)
    assert code == 0
    assert "is good" in out


def test_check_prints_what_it_understood_without_secrets(run, installation):
    """The output must name models and checks, and never a key."""
    code, out, _ = run("check", "-c", installation.config)
    assert code == 0
    assert "tickets-v1" in out
    for name in ("label", "length", "secrets", "pii"):
        assert name in out
    code, out, _ = run("check", "-c", installation.config, "--json")
    assert json.loads(out)["upstreams"]["oracle"]["api_key"] == "***"
    assert "very-secret" not in out


def test_check_finds_a_bad_policy(run, installation):
    """Options of checks must be validated too, with the path of the key."""
    document = yaml.safe_load(installation.config.read_text())
    document["tasks"]["tickets"]["policies"] = {"output": ["lable"]}
    installation.config.write_text(yaml.safe_dump(document))
    code, _, err = run("check", "-c", installation.config)
    assert code == 2
    assert "tasks.tickets.policies.output.0" in err
    assert "unknown check" in err


def test_check_reads_the_canary_prompts(run, installation):
    """A file that is missing or no prompts must be found before the monitors start."""
    document = yaml.safe_load(installation.config.read_text())
    document["tasks"]["tickets"]["teacher_check"] = {"prompts": "canaries.jsonl"}
    installation.config.write_text(yaml.safe_dump(document))
    code, _, err = run("check", "-c", installation.config)
    assert code == 2
    assert "canaries.jsonl" in err
    (installation.config.parent / "canaries.jsonl").write_text('{"input": "where is my order?"}\n')
    assert run("check", "-c", installation.config)[0] == 0
