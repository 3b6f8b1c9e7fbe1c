from edgelab.model.measured import MeasuredWindow
from edgelab.nemesis.windows import Windows

WINDOW = MeasuredWindow(
    window=0, target="s", site="s", fault="Outage", kind="cut", planned_start_ns=1, planned_end_ns=2
)


def test_every_change_is_recorded_and_what_probes_saw_is_kept() -> None:
    seen: list[MeasuredWindow] = []
    windows = Windows(seen.append)
    windows.add(WINDOW)

    windows.update(0, "s", start_ns=5)
    windows.update(0, "s", bit=True, saw="after apply: refused")
    windows.update(0, "s", bit=None, saw="before end: no time")

    assert [(w.start_ns, w.bit) for w in seen] == [(5, None), (5, True), (5, True)]
    assert windows.all()[0].evidence == "after apply: refused; before end: no time"


def test_a_fault_that_one_probe_saw_not_biting_did_not_bite() -> None:
    windows = Windows(lambda _: None)
    windows.add(WINDOW)

    windows.update(0, "s", bit=False)
    windows.update(0, "s", bit=True)

    assert windows.all()[0].bit is False


def test_nothing_is_recorded_once_it_is_closed() -> None:
    seen: list[MeasuredWindow] = []
    windows = Windows(seen.append)
    windows.add(WINDOW)
    windows.close()

    windows.update(0, "s", start_ns=5)

    assert seen == []
    assert windows.all()[0].start_ns == 5
