"""One clock: monotonic, close to wall time, and it tells when wall time was stepped."""

from __future__ import annotations

import time

import pytest

from edgelab.clock import Clock


def test_it_reads_close_to_wall_time_when_it_starts() -> None:
    clock = Clock.start()

    assert abs(clock.now_ns() - time.time_ns()) < 50_000_000


def test_a_step_of_wall_time_shows_as_drift_and_does_not_move_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock.start()
    real = time.time_ns
    before = clock.now_ns()
    monkeypatch.setattr(time, "time_ns", lambda: real() + 3_600_000_000_000)

    assert clock.drift_ns() == pytest.approx(3_600_000_000_000, abs=50_000_000)
    assert 0 <= clock.now_ns() - before < 5_000_000_000


def test_sleep_until_a_past_moment_returns_at_once() -> None:
    clock = Clock.start()

    clock.sleep_until(clock.now_ns() - 10**12)
    target = clock.now_ns() + 20_000_000
    clock.sleep_until(target)

    assert clock.now_ns() >= target
