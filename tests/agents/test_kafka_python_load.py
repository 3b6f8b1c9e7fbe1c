"""What kafka-python is mended in; without a broker."""

from __future__ import annotations

from kafka.producer.transaction_manager import ProducerIdAndEpoch, TransactionManager, TransactionState

from edgelab.agents.kafka_python_load import mend


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
