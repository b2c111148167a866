from __future__ import annotations

import pytest


@pytest.mark.parametrize("command", ["serve", "gateway", "monitors", "console", "student-server"])
def test_a_process_refuses_a_bad_configuration(run, installation, command):
    """Every process must end with exit code 2 and the path of the key."""
    installation.config.write_text(installation.config.read_text() + "serverr: {}\n")
    code, _, err = run(command, "-c", installation.config)
    assert code == 2
    assert "serverr: unknown key" in err
    assert "Traceback" not in err
