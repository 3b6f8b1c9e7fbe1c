"""What kafka-python is mended in; without a broker."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

with warnings.catch_warnings():
    # kafka-python reads its own files by a function that Python 3.11 and 3.12 call deprecated, and 3.13 does not.
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka.errors import KafkaTimeoutError
    from kafka.producer.transaction_manager import ProducerIdAndEpoch, TransactionManager, TransactionState

from edgelab.agents.kafka_options import KafkaOptions
from edgelab.agents.kafka_python_load import KafkaPythonLoad, mend
from edgelab.agents.load_client import Problem, Reports
from edgelab.clock import Clock


def _with_a_number() -> TransactionManager:
    transactions = TransactionManager(api_version=(2, 5))
    transactions.init_producer_id()
    transactions.set_producer_id_and_epoch(ProducerIdAndEpoch(7, 0))
    transactions._transition_to(TransactionState.READY)
    return transactions


def test_a_producer_that_dropped_its_number_asks_for_another() -> None:
    transactions = _with_a_number()
    mend(transactions)

    transactions.reset_producer_id()
    transactions.init_producer_id()

    assert not transactions.has_producer_id()
    assert transactions._current_state is TransactionState.INITIALIZING


def test_a_producer_that_is_not_idempotent_needs_no_mending() -> None:
    mend(None)


def _problem_of_one_expired(*, connected: bool) -> tuple[int, Problem | None]:
    """What is reported of a message that is handed over now, and expires before anyone looks at the connection."""
    told: list[Problem | None] = []
    clock = Clock.start()
    reports = Reports(delivered=lambda _, __, problem: told.append(problem), connection=lambda _, __: None)
    load = KafkaPythonLoad("x", KafkaOptions(bootstrap="127.0.0.1:1", topic="t"), reports, clock)
    load._looked_ns = clock.now_ns() + 1_000_000_000
    load._connections = {1: SimpleNamespace(connected=connected)}
    handed_ns = clock.now_ns()
    load._failed(1, 0, KafkaTimeoutError())
    load.poll()
    (problem,) = told
    return handed_ns, problem


def test_what_expires_with_a_connection_just_made_may_have_been_sent() -> None:
    handed_ns, problem = _problem_of_one_expired(connected=True)

    assert problem is not None
    assert problem.silent_since_ns >= handed_ns


def test_what_expires_without_a_connection_never_left() -> None:
    handed_ns, problem = _problem_of_one_expired(connected=False)

    assert problem is not None
    assert problem.silent_since_ns <= handed_ns
