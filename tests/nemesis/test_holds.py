from hypothesis import given
from hypothesis import strategies as st

from edgelab.model.faults import Latency, LinkFault, Outage, Partition, Throttle
from edgelab.model.topology import Link
from edgelab.nemesis.holds import Held, Hold, holds_of
from edgelab.nemesis.scene import Scene

LINK = Link(name="site-1", site="site-1", service="hub", port="leaf")
directions = st.sampled_from(["both", "up", "down"])
link_faults: st.SearchStrategy[LinkFault] = st.one_of(
    st.just(Outage("site-1", kind="cut")),
    st.builds(Outage, st.just("site-1"), kind=st.sampled_from(["stall", "silent"]), direction=directions),
    st.builds(Partition, st.just("site-1"), direction=directions),
    st.builds(Latency, st.just("site-1"), one_way_s=st.sampled_from([0.01, 0.3]), direction=directions),
    st.builds(Throttle, st.just("site-1"), rate_bps=st.sampled_from([8e3, 64e3]), direction=directions),
)


def test_a_fault_of_both_directions_holds_each_and_a_cut_the_link_as_a_whole() -> None:
    assert [h.way for h in holds_of(Outage("site-1"), LINK)] == ["up", "down"]
    assert [h.way for h in holds_of(Outage("site-1", direction="up"), LINK)] == ["up"]
    assert holds_of(Outage("site-1", kind="cut"), LINK) == (Hold(link="site-1", kind="cut"),)


def test_equal_delays_of_faults_that_name_different_directions_add_up() -> None:
    both, up = Latency("site-1", one_way_s=0.1), Latency("site-1", one_way_s=0.1, direction="up")

    assert len({*holds_of(both, LINK), *holds_of(up, LINK)}) == 3


@given(st.data())
def test_what_is_switched_on_is_always_what_the_faults_in_force_hold(data: st.DataObject) -> None:
    held, switched, active = Held(), set[Hold](), list[LinkFault]()
    for _ in range(data.draw(st.integers(0, 25))):
        end: bool = data.draw(st.booleans())
        if active and end:
            fault = active.pop(data.draw(st.integers(0, len(active) - 1)))
            gone = held.give(holds_of(fault, LINK))
            assert switched.issuperset(gone)
            switched.difference_update(gone)
        else:
            active.append(data.draw(link_faults))
            new = held.take(holds_of(active[-1], LINK))
            assert switched.isdisjoint(new)
            switched.update(new)

        assert switched == {hold for fault in active for hold in holds_of(fault, LINK)} == held.of("site-1")


@given(st.lists(link_faults, max_size=4), st.lists(link_faults, max_size=4))
def test_what_an_ending_fault_hands_over_to_a_beginning_one_is_not_switched(
    before: list[LinkFault], after: list[LinkFault]
) -> None:
    scene = Scene()
    old = [hold for fault in before for hold in holds_of(fault, LINK)]
    new = [hold for fault in after for hold in holds_of(fault, LINK)]
    scene.change(take=old, give=())

    on, off = scene.change(take=new, give=old)

    assert set(on) == set(new) - set(old)
    assert set(off) == set(old) - set(new)
    assert scene.view(LINK).holds == set(new)


def test_a_probe_can_tell_that_something_changed_while_it_was_under_way() -> None:
    scene, holds = Scene(), holds_of(Outage("site-1"), LINK)
    before = scene.view(LINK)

    scene.change(take=holds, give=())
    during = scene.view(LINK)
    scene.settle(holds)
    after = scene.view(LINK)

    assert (before.changing, during.changing, after.changing) == (False, True, False)
    assert len({before.version, during.version, after.version}) == 3
