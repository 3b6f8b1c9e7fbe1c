import itertools

import pytest

from edgelab.deploy import ready
from edgelab.errors import NotReady


def test_returns_the_first_true_value() -> None:
    values = iter([0, 0, 7])

    assert ready.until(lambda: next(values), deadline_s=5.0, what="a number", poll_s=0.0) == 7


def test_says_what_it_waited_for_and_what_it_last_saw() -> None:
    counter = itertools.count()

    with pytest.raises(NotReady, match=r"waited 0 s for five leaves; last seen: 0"):
        ready.until(lambda: next(counter), accept=lambda n: n == 5, deadline_s=0.0, what="five leaves")


def test_looks_once_more_after_the_deadline() -> None:
    seen = []

    def slow() -> bool:
        seen.append(1)
        return len(seen) == 2

    assert ready.until(slow, deadline_s=0.01, what="the second look", poll_s=0.02)


def test_tolerated_errors_mean_not_yet_and_are_what_was_last_seen() -> None:
    def refused() -> bool:
        raise ConnectionRefusedError("nobody there")

    with pytest.raises(NotReady, match="last seen: ConnectionRefusedError: nobody there"):
        ready.until(refused, deadline_s=0.0, what="a port", tolerate=(OSError,))


def test_other_errors_come_through() -> None:
    with pytest.raises(ZeroDivisionError):
        ready.until(lambda: 1 / 0, deadline_s=5.0, what="nothing")
