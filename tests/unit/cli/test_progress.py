from __future__ import annotations

import io

from rich.console import Console

from cli.progress import bar, wide


def test_a_bar_leaves_standard_output_alone(capsys):
    """Results go to standard output, so a bar must not."""
    with bar("work", 3) as show:
        show(3, 3, 0.5)
    assert capsys.readouterr().out == ""


def test_a_file_gets_room_for_a_table():
    """A console that writes to a file must not wrap at 80 columns."""
    assert wide(Console(file=io.StringIO())).width > 100
