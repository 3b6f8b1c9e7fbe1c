"""Deadlines of messages in flight, in made-up time."""

from __future__ import annotations

from edgelab.agents.in_flight import Flight, InFlight, State


def test_a_flight_is_overdue_once_its_deadline_has_passed_and_not_before() -> None:
    flights, flight = _launched(7)
    flights.sent(flight, 1000)

    assert list(flights.overdue(1099)) == []
    assert list(flights.overdue(1100)) == [flight]
    assert list(flights.overdue(9999)) == []


def test_a_flight_that_was_answered_is_never_overdue_and_sets_no_deadline() -> None:
    flights, first = _launched(1)
    second = Flight(2, 0, 0)
    flights.launch(second)
    flights.sent(first, 1000)
    flights.sent(second, 1050)

    flights.end(first)

    assert flights.get(1) is None
    assert flights.next_ns() == 1150
    assert list(flights.overdue(2000)) == [second]
    assert len(flights) == 1


def test_a_paused_flight_rests_and_then_waits_anew() -> None:
    flights, flight = _launched(1)
    flights.sent(flight, 0)
    flights.pause(flight, 50)

    assert list(flights.overdue(100)) == []  # that attempt is over
    assert flights.next_ns() == 60
    assert list(flights.rested(59)) == []
    assert list(flights.rested(60)) == [flight]

    flights.sent(flight, 60)
    assert flights.next_ns() == 160
    assert list(flights.overdue(160)) == [flight]


def test_held_flights_come_out_oldest_first_and_only_while_they_are_held() -> None:
    flights = InFlight(answer_ns=100, pause_ns=10)
    held = [Flight(n, 0, 0) for n in range(4)]
    for flight in held:
        flights.launch(flight)
        flights.hold(flight, flight.sequence)
    flights.pause(held[1], 50)

    taken = flights.held()
    assert next(taken) is held[0]
    flights.sent(held[0], 60)
    again = next(taken)
    assert again is held[2]
    flights.hold_again(again)

    assert list(flights.held()) == [held[2], held[3]]


def test_a_flight_held_twice_is_sent_once() -> None:
    flights, flight = _launched(1)
    flights.hold(flight, 0)
    flights.pause(flight, 100)
    flights.hold(flight, 110)

    sent = []
    for each in flights.held():
        flights.sent(each, 120)
        sent.append(each)

    assert sent == [flight]
    assert flight.state == State.SENT


def test_a_flight_whose_attempt_started_anew_waits_from_then() -> None:
    flights, flight = _launched(1)
    flights.hold(flight, 0)
    flights.sent(flight, 99)

    assert list(flights.overdue(150)) == []
    assert list(flights.overdue(199)) == [flight]


def test_nothing_in_flight_has_no_deadline() -> None:
    flights = InFlight(answer_ns=100, pause_ns=10)

    assert flights.next_ns() is None
    assert not flights


def _launched(sequence: int) -> tuple[InFlight, Flight]:
    flights = InFlight(answer_ns=100, pause_ns=10)
    flight = Flight(sequence, 0, 0)
    flights.launch(flight)
    return flights, flight
