"""What a run shows."""

from __future__ import annotations

import io

from edgelab.runner.live import Plain, Screen, Status, Terminal


class Gone(io.StringIO):
    """A pipe whose reader went away."""

    tried = False

    def write(self, _text: str) -> int:
        self.tried = True
        raise BrokenPipeError(32, "Broken pipe")


def test_plain_lines_tell_phases_and_changes_of_faults() -> None:
    out = io.StringIO()
    plain = Plain(out)

    plain.phase("bringing up")
    for faults in ((), ("Outage cut of site-1",), ("Outage cut of site-1",), ()):
        plain.status(Status(faults=faults))

    assert [line.split("s  ", 1)[1] for line in out.getvalue().splitlines()] == [
        "bringing up",
        "Outage cut of site-1",
        "no fault holds any more",
    ]


def test_a_run_that_nobody_watches_any_more_goes_on() -> None:
    gone = Gone()

    Plain(gone).phase("bringing up")
    terminal = Terminal(Screen(file=gone, force_terminal=True))
    terminal.status(Status(phase="publishing"))
    terminal.close()

    assert gone.tried
