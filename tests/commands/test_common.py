"""What the commands share."""

from __future__ import annotations

import io

from rich.console import Console

from commands.common import Bars


def test_a_stage_shows_rows_rate_and_time_left() -> None:
    now = 0.0
    out = io.StringIO()
    console = Console(file=out, width=140, force_terminal=True, color_system=None)
    with Bars(console, lambda: now) as step:
        step("归并 fold", 0, 1_000_000)
        for done in range(100_000, 500_000, 100_000):
            now += 10
            step("归并 fold", done, 1_000_000)
    line = [line for line in out.getvalue().splitlines() if "归并 fold" in line and "400000/1000000" in line][
        -1
    ]
    # Ten thousand a second: 40 seconds gone, a minute left.
    assert "10,000/s" in line and "0:00:40" in line and "0:01:00" in line
