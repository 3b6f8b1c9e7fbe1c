"""Open-loop traffic: exact, seeded intended times."""

from __future__ import annotations

import numpy as np
import pytest

from edgelab.errors import SpecError
from edgelab.model.message import HEADER_BYTES, Identity, pack, unpack
from edgelab.model.workload import Load, Workload


def test_uniform_traffic_is_evenly_spaced_and_complete() -> None:
    times = Workload(duration_s=10.0, load=Load(rate_hz=50.0)).intended_s("site-1", seed=1)

    assert len(times) == 500
    assert np.allclose(np.diff(times), 0.02)
    assert 0.0 <= times[0] < 0.02
    assert times[-1] < 10.0


def test_the_same_seed_gives_the_same_times_and_sites_do_not_run_in_lockstep() -> None:
    workload = Workload(duration_s=5.0, arrival="poisson")

    first = workload.intended_s("site-1", seed=7)

    assert np.array_equal(first, workload.intended_s("site-1", seed=7))
    assert not np.array_equal(first[:10], workload.intended_s("site-2", seed=7)[:10])
    assert not np.array_equal(first[:10], workload.intended_s("site-1", seed=8)[:10])


def test_poisson_gaps_have_the_mean_and_the_spread_of_an_exponential() -> None:
    times = Workload(duration_s=1000.0, load=Load(rate_hz=50.0), arrival="poisson").intended_s("a", seed=3)
    gaps = np.diff(times)

    # 50,000 gaps: four standard errors of the mean are 1.8 %, of the deviation about 2.5 %.
    assert gaps.mean() == pytest.approx(0.02, rel=0.02)
    assert gaps.std() == pytest.approx(0.02, rel=0.03)
    assert times[-1] < 1000.0


def test_one_site_may_publish_something_else() -> None:
    workload = Workload(duration_s=1.0, per_site={"b": Load(rate_hz=7.0)})

    assert workload.of("a").rate_hz == 100.0
    assert len(workload.intended_s("b", seed=1)) == 7
    with pytest.raises(SpecError, match="per_site must name sites that are there, not 'b'"):
        workload.check_sites(("a",))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("rate_hz", 0, "rate_hz must be at least 0.001, not 0"),
        ("rate_hz", -5, "rate_hz must be at least 0.001, not -5"),
        ("size_bytes", 4, f"size_bytes must be at least {HEADER_BYTES}, not 4"),
        ("size_bytes", 10.5, "size_bytes must be a whole number, not 10.5"),
        ("publishers", 0, "publishers must be at least 1, not 0"),
    ],
)
def test_nonsense_is_refused(field: str, value: float, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        Load(**{field: value})  # type: ignore[arg-type]


def test_a_message_says_who_it_is_and_foreign_payloads_say_nothing() -> None:
    identity = Identity(site=3, publisher=1, sequence=4_000_000_000, intended_ns=10**18, sent_ns=10**18 + 5)

    assert unpack(pack(identity) + b"filler") == identity
    assert unpack(b"hello") is None
    assert unpack(b"x" * 100) is None
