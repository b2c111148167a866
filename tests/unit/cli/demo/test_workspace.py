from __future__ import annotations

import asyncio

import openai
import pytest

from cli.demo.plan import Options, deal
from cli.demo.workspace import Workspace, client
from domain.errors import PreceptorError


def workspace(out, *, inputs=100):
    """The workspace of a small run, not started."""
    options = Options(out=out, requests=100, examples=100)
    return Workspace(options, deal(options).dataset, inputs=inputs)


async def test_prepare_writes_a_configuration_and_starts_the_oracle(tmp_path):
    """The configuration must load, and its teacher must answer with the gold label."""
    made = workspace(tmp_path / "out")
    settings = made.prepare({"hello": "greeting", "bye": "farewell"})
    try:
        port = int(settings.upstreams["oracle"].base_url.rsplit(":", 1)[1].split("/")[0])
        async with client(port) as sdk:
            for _ in range(100):
                try:
                    answer = await sdk.chat.completions.create(
                        model="oracle", messages=[{"role": "user", "content": "hello"}]
                    )
                    break
                except openai.OpenAIError:
                    await asyncio.sleep(0.05)
        assert answer.choices[0].message.content in {"greeting", "farewell"}
        assert settings.tasks[made.task].shadow.rate > 0
    finally:
        made.hook.close()
        made.stop()


async def test_the_gate_is_a_shadow_where_there_are_inputs_enough(tmp_path):
    """With fewer than a gate can be learned from, the task keeps the default policy."""
    for inputs, chosen in ((499, False), (500, True)):
        made = workspace(tmp_path / str(inputs), inputs=inputs)
        settings = made.prepare({"a": "b"})
        made.hook.close()
        made.stop()
        policies = settings.tasks[made.task].policies
        assert (policies is not None) is chosen
    assert [(check.name, check.mode) for check in policies.input][-1] == ("domain", "shadow")


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    """A folder with files that are not a demo's must never be emptied."""
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(PreceptorError, match="not a demo's folder"):
        workspace(tmp_path).prepare({"a": "b"})
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


async def test_a_process_that_ended_is_reported_with_its_last_line(tmp_path):
    """A process that cannot start must end the demo with its own words, not with a time-out."""
    made = workspace(tmp_path / "out")
    settings = made.prepare({"a": "b"})
    try:
        made._start("broken", ["cli", "serve", "--config", "missing.yaml"])
        with pytest.raises(
            PreceptorError, match=r"broken ended with exit code 2: preceptor: cannot read missing\.yaml"
        ):
            await made.ready(settings)
    finally:
        made.hook.close()
        made.stop()
