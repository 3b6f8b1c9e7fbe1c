import pytest

from edgelab.deploy.base import Address
from edgelab.model.faults import Direction, Kill, Latency, LinkFault, Outage, Pause, Throttle
from edgelab.model.topology import Link
from edgelab.nemesis.holds import holds_of
from edgelab.nemesis.judge import Baseline, expected, hidden, see_link, see_service
from edgelab.nemesis.probe import Door, Knock

LINK = Link(name="s", site="s", service="hub", port="leaf", probe_greeting=b"INFO", probe_request=b"PING\r\n")
FROM_HUB = Link(
    name="s", site="s", service="s", port="leaf", dialed_by="hub", probe_greeting=b"INFO", probe_request=b"PING\r\n"
)
BASE = Baseline((0.001, 0.002, 0.0015), 0.002, 500)
STALL, CUT = Outage("s"), Outage("s", kind="cut")


@pytest.mark.parametrize(
    ("link", "direction", "outcome"),
    [
        (LINK, "both", "silent"),
        (LINK, "down", "silent"),
        (LINK, "up", "greeted"),
        (FROM_HUB, "both", "silent"),
        (FROM_HUB, "up", "silent"),
        (FROM_HUB, "down", "greeted"),
    ],
)
def test_what_a_probe_meets_depends_on_the_direction_and_on_who_dials(
    link: Link, direction: Direction, outcome: str
) -> None:
    assert expected(link, holds_of(Outage("s", direction=direction), link)) == outcome


def test_an_outage_is_seen_by_silence_and_not_seen_by_an_answer() -> None:
    own = holds_of(STALL, LINK)

    assert see_link(LINK, own, (), [Knock("silent")], BASE)[0] is True
    assert see_link(LINK, own, (), [Knock("answered", 0.1, 0.1)], BASE)[0] is False
    assert see_link(LINK, own, (), [Knock("closed")], BASE)[0] is None


def test_a_cut_is_seen_by_a_refusal_or_by_the_close_of_a_port_forwarder() -> None:
    own = holds_of(CUT, LINK)

    assert see_link(LINK, own, (), [Knock("refused")], BASE)[0] is True
    assert see_link(LINK, own, (), [Knock("closed")], BASE)[0] is True
    assert see_link(LINK, own, (), [Knock("answered", 0.1, 0.1)], BASE)[0] is False


def test_what_another_fault_hides_cannot_be_told() -> None:
    stall, cut = holds_of(STALL, LINK), holds_of(CUT, LINK)

    assert hidden(LINK, stall, cut)
    assert hidden(LINK, holds_of(Latency("s", one_way_s=1), LINK), stall)
    assert not hidden(LINK, cut, stall)
    assert hidden(Link(name="s", site="s", service="hub", port="leaf"), stall, ())


def test_a_delay_is_seen_by_the_round_trip_it_adds_to_other_delays() -> None:
    own, others = (holds_of(Latency("s", one_way_s=s), LINK) for s in (0.1, 0.3))

    assert see_link(LINK, own, others, [Knock("answered", 0.4, 0.801)], BASE)[0] is True
    assert see_link(LINK, own, others, [Knock("answered", 0.4, 0.601)], BASE)[0] is False
    assert see_link(LINK, own, (), [Knock("answered", 0.1, 0.201)], BASE)[0] is True


@pytest.mark.parametrize(("rate_bps", "took_s", "seen"), [(64e3, 0.064, True), (64e3, 0.003, False), (50e6, 0.1, None)])
def test_a_rate_is_seen_by_how_long_the_greeting_takes_if_that_is_long_enough_to_tell(
    rate_bps: float, took_s: float, *, seen: bool | None
) -> None:
    fault: LinkFault = Throttle("s", rate_bps=rate_bps)

    assert see_link(LINK, holds_of(fault, LINK), (), [Knock("answered", took_s, 0.001)], BASE)[0] is seen


def test_a_killed_service_refuses_and_a_paused_one_accepts_and_keeps_silent() -> None:
    door = Door(Address("127.0.0.1", 1), b"INFO")

    assert see_service(Kill("hub"), door, Knock("refused"))[0] is True
    assert see_service(Kill("hub"), door, Knock("greeted"))[0] is False
    assert see_service(Pause("hub"), door, Knock("silent"))[0] is True
    assert see_service(Pause("hub"), door, Knock("greeted"))[0] is False
    assert see_service(Pause("hub"), Door(door.address), Knock("silent"))[0] is None
