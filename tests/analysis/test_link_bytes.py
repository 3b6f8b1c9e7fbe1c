from __future__ import annotations

from edgelab.analysis.facts import LinkBytes
from edgelab.analysis.results import analyse
from edgelab.analysis.testing import Story, at, no_causes, table
from edgelab.history import Kind


def test_link_bytes_are_told_per_delivered_message() -> None:
    story = Story()
    for sequence in range(3):
        story.sent(sequence, 1.0)
    story.at_hub(0, 1.1, position=1)
    story.at_hub(1, 1.1, position=2)
    story.fault(10.0, 20.0)
    readings = [*_reading(5.0, 700, 60), *_reading(15.0, 700, 60), *_reading(25.0, 1000, 100)]
    facts = story.facts(links={"site-1": LinkBytes(bytes_up=1000, bytes_down=100)}, bytes=table(readings))

    link = analyse(facts, no_causes).links.loc["site-1"]

    assert link["bytes_per_message"] == 550
    assert (link["up_before"], link["down_after"]) == (700, 40)
    assert (link["up_during"], link["down_during"]) == (0, 0)


def test_a_link_over_which_nothing_arrived_has_no_bytes_per_message() -> None:
    facts = Story().facts(links={"site-1": LinkBytes(bytes_up=5, bytes_down=5)})

    assert analyse(facts, no_causes).links["bytes_per_message"].isna().all()


def _reading(read_s: float, up: int, down: int) -> list[dict[str, int]]:
    counts = enumerate((up, down))
    return [{"kind": Kind.BYTES, "t_ns": at(read_s), "value": value, "code": way} for way, value in counts]


def test_phases_come_from_the_hubs_counts_and_a_new_session_counts_from_zero() -> None:
    story = Story()
    story.fault(10.0, 20.0)
    readings = [*_reading(5.0, 100, 10), *_reading(9.0, 300, 20), *_reading(15.0, 350, 20), *_reading(25.0, 80, 5)]
    facts = story.facts(links={"site-1": LinkBytes(bytes_up=900, bytes_down=50)}, bytes=table(readings))

    link = analyse(facts, no_causes).links.loc["site-1"]

    assert [link[f"up_{phase}"] for phase in ("before", "during", "after")] == [300, 50, 80]
    assert [link[f"down_{phase}"] for phase in ("before", "during", "after")] == [20, 0, 5]


def test_where_nobody_counted_there_are_no_phases() -> None:
    facts = Story().facts(links={"site-1": LinkBytes(bytes_up=900, bytes_down=50)})

    assert analyse(facts, no_causes).links.filter(like="_before").isna().all(axis=None)
