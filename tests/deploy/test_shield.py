"""Clean-up is not cut short by who asks again."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from edgelab.deploy.shield import shielded


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_asks_to_end_is_ignored_within_and_heard_again_after(asked: signal.Signals) -> None:
    heard: list[int] = []
    before = signal.signal(asked, lambda number, _frame: heard.append(number))
    try:
        with shielded():
            os.kill(os.getpid(), asked)
        assert heard == []

        os.kill(os.getpid(), asked)
        assert heard == [asked]
    finally:
        signal.signal(asked, before)


def test_other_threads_may_use_it_too() -> None:
    failed: list[BaseException] = []

    def clean_up() -> None:
        try:
            with shielded():
                pass
        except BaseException as error:  # noqa: BLE001 - the test's own thread must hear of it
            failed.append(error)

    thread = threading.Thread(target=clean_up)
    thread.start()
    thread.join()

    assert not failed
