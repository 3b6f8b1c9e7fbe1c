from hypothesis import given
from hypothesis import strategies as st

from edgelab.model.faults import Kill, Outage
from edgelab.model.schedule import Schedule, Window, flapping, once
from edgelab.nemesis.moments import Moment, moments


def test_a_window_is_a_beginning_and_an_end_and_a_long_one_is_looked_at_again() -> None:
    assert moments(once(Outage(), at_s=1, for_s=2)) == (Moment(1, begins=(0,)), Moment(3, ends=(0,)))
    assert moments(once(Outage(), at_s=1, for_s=10))[1] == Moment(9.5, looks=(0,))


def test_an_end_and_a_beginning_at_the_same_time_are_one_moment_whatever_the_last_digits_say() -> None:
    first, second = Window(0.1, 0.1 + 0.2, Outage()), Window(0.3, 1.0, Outage(direction="up"))

    found = moments(Schedule((first, second)))

    assert [(m.begins, m.ends) for m in found] == [((0,), ()), ((1,), (0,)), ((), (1,))]


def test_a_window_shorter_than_what_counts_as_the_same_time_still_begins_before_it_ends() -> None:
    found = moments(once(Outage(), at_s=1, for_s=0.0001))

    assert [(m.begins, m.ends) for m in found] == [((0,), ()), ((), (0,))]


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0.0001, 50)), max_size=8),
    st.integers(1, 6),
    st.floats(0.001, 3),
    st.floats(0.001, 3),
)
def test_every_window_begins_once_and_ends_once_in_order_of_time(
    spans: list[tuple[float, float]], times: int, on_s: float, off_s: float
) -> None:
    windows = tuple(Window(at, at + length, Kill(f"site-{i}")) for i, (at, length) in enumerate(spans))
    schedule = Schedule(windows) + flapping(Outage(), at_s=1, on_s=on_s, off_s=off_s, times=times)

    found = moments(schedule)

    assert [m.at_s for m in found] == sorted(m.at_s for m in found)
    begun, ended = [i for m in found for i in m.begins], [i for m in found for i in m.ends]
    assert sorted(begun) == sorted(ended) == list(range(len(schedule)))
    for i, window in enumerate(schedule):
        begin = next(m.at_s for m in found if i in m.begins)
        end = next(m.at_s for m in found if i in m.ends)
        assert begin <= end
        assert abs(begin - window.start_s) <= 0.0005
        assert abs(end - window.end_s) <= 0.0005
