"""A small installation on which the commands work: an oracle that answers, and a configuration that needs no model."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import NamedTuple

import pytest
import uvicorn
import yaml

from cli.app import main
from cli.demo import oracle, traffic
from cli.supervisor import bind


class Installation(NamedTuple):
    """Where it lies, and the labelled texts that its teacher knows."""

    config: Path
    rows: tuple
    root: Path


@pytest.fixture(scope="module")
def teacher():
    """A running oracle and its rows; yields (port, rows)."""
    rows = traffic.tickets(known=700, new=10, seed=3).rows
    listener = bind("127.0.0.1", 0, key="test")
    app = oracle.app(oracle.Oracle({row.text: row.label for row in rows}, error_rate=0.0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    port = listener.getsockname()[1]
    thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
    thread.start()
    yield port, rows
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def installation(tmp_path, teacher):
    """A configuration in an empty folder, on the word-hashing embedder."""
    port, rows = teacher
    document = {
        "store": {"url": "sqlite:///store.db"},
        "upstreams": {"oracle": {"base_url": f"http://127.0.0.1:{port}/v1", "api_key": "sk-very-secret"}},
        "students": {"path": "students"},
        "tasks": {
            "tickets": {
                "teacher": {"upstream": "oracle", "model": "oracle", "price": "gpt-4o"},
                "student": {"upstream": "oracle", "model": "tickets-v1"},
                "output": {"labels": sorted({row.label for row in rows})},
                "drift": {"embedder": "words"},
            }
        },
        "embedders": {"words": {"backend": "hashing"}},
    }
    config = tmp_path / "preceptor.yaml"
    config.write_text(yaml.safe_dump(document))
    return Installation(config, rows, tmp_path)


@pytest.fixture
def run(capsys):
    """Run a command as a shell would; returns (exit code, standard output, standard error)."""

    def command(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return command
