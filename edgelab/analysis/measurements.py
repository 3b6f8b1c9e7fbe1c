"""History to numbers: latency by phase, backlog over time, footprint of each service."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from .facts import Facts
from .recovery import CLOCK_TOLERANCE_NS
from .spans import PHASES

_QUANTILES = {"p50_s": 0.50, "p95_s": 0.95, "p99_s": 0.99, "max_s": 1.0}
_MOST_STEPS = 5000


def latency(ledger: pd.DataFrame) -> pd.DataFrame:
    """Store time minus *intended* send time of the first copies, by phase: the full sample, nothing dropped.

    Index ``before``, ``during``, ``after`` (when the message was sent); columns ``n``, ``p50_s``, ``p95_s``,
    ``p99_s``, ``max_s`` (NaN without messages), ``negative`` (impossible samples, counted and kept) and
    ``backwards`` (those beyond what two clocks may differ by).
    """
    timed = ~ledger["stored_ns"].isna().to_numpy()
    taken = ledger["stored_ns"].to_numpy(np.int64, na_value=0)[timed] - ledger["intended_ns"].to_numpy()[timed]
    phase = ledger["phase"].cat.codes.to_numpy()[timed]
    return pd.DataFrame([_sample(taken[phase == code]) for code in range(len(PHASES))], index=list(PHASES))


def lateness_s(ledger: pd.DataFrame, *, quantile: float) -> float:
    """How late messages were sent against their intended time: a quantile over all of them, seconds."""
    if ledger.empty:
        return 0.0
    late = ledger["sent_ns"].to_numpy() - ledger["intended_ns"].to_numpy()
    return float(np.quantile(late, quantile)) / 1e9


def backlog(facts: Facts, ledger: pd.DataFrame, *, step_s: float = 0.1) -> pd.DataFrame:
    """What each site had published and the hub had stored, every ``step_s`` (more for runs beyond 5000 steps).

    Columns: ``t_s``, ``site``, ``published``, ``stored`` (distinct messages), ``lost`` (of those published) and
    ``backlog`` = published - lost - stored: what still waits at the site or on its way.
    """
    end_s = facts.seconds(max(facts.drain_end_ns, facts.publish_end_ns))
    step_s = max(step_s, end_s / _MOST_STEPS)
    t_s = np.arange(0.0, end_s + step_s, step_s)
    edges = facts.start_ns + (t_s * 1e9).astype(np.int64)
    codes = ledger["site"].cat.codes.to_numpy()
    bounds = np.searchsorted(codes, np.arange(len(facts.sites) + 1))
    timed = ~ledger["stored_ns"].isna().to_numpy()
    stored_ns = ledger["stored_ns"].to_numpy(np.int64, na_value=0)
    sent_ns, lost = ledger["sent_ns"].to_numpy(), (ledger["fate"] == "lost").to_numpy()
    columns: dict[str, list[npt.NDArray[np.int64]]] = {"published": [], "stored": [], "lost": []}
    for first, last in pairwise(bounds):
        own = slice(first, last)
        columns["published"].append(_by(edges, sent_ns[own]))
        columns["stored"].append(_by(edges, stored_ns[own][timed[own]]))
        columns["lost"].append(_by(edges, sent_ns[own][lost[own]]))
    table = pd.DataFrame(
        {
            "t_s": np.tile(t_s, len(facts.sites)),
            "site": pd.Categorical.from_codes(
                np.repeat(np.arange(len(facts.sites)), len(t_s)).tolist(), categories=pd.Index(facts.sites)
            ),
            **{name: np.concatenate(parts) for name, parts in columns.items()},
        }
    )
    return table.assign(backlog=table["published"] - table["lost"] - table["stored"])


def footprint(facts: Facts) -> pd.DataFrame:
    """Memory and processor time of each service.

    Index: service; columns ``rss_peak_bytes``, ``rss_mean_bytes``, ``cpu_idle_ratio`` (before the first message was
    due) and ``cpu_loaded_ratio`` (while messages were published), in cores; NaN where there are not two readings.
    """
    usage = facts.usage
    lines = {}
    for service, readings in usage.sort_values("t_ns").groupby("service", sort=True):
        t_ns, cpu_s = readings["t_ns"].to_numpy(), readings["cpu_s"].to_numpy()
        loaded = (t_ns >= facts.start_ns) & (t_ns <= facts.publish_end_ns)
        lines[service] = {
            "rss_peak_bytes": float(readings["rss_bytes"].max()),
            "rss_mean_bytes": float(readings["rss_bytes"].mean()),
            "cpu_idle_ratio": _cpu_ratio(t_ns[t_ns <= facts.start_ns], cpu_s[t_ns <= facts.start_ns]),
            "cpu_loaded_ratio": _cpu_ratio(t_ns[loaded], cpu_s[loaded]),
        }
    columns = ["rss_peak_bytes", "rss_mean_bytes", "cpu_idle_ratio", "cpu_loaded_ratio"]
    return pd.DataFrame.from_dict(lines, orient="index", columns=columns)


def _sample(taken_ns: npt.NDArray[np.int64]) -> dict[str, float]:
    counted = {
        "n": len(taken_ns),
        **dict.fromkeys(_QUANTILES, np.nan),
        "negative": int(np.count_nonzero(taken_ns < 0)),
        "backwards": int(np.count_nonzero(taken_ns < -CLOCK_TOLERANCE_NS)),
    }
    if len(taken_ns):
        # A sample that was taken, not one between two: a reported maximum or median is some message's latency.
        values = np.quantile(taken_ns, list(_QUANTILES.values()), method="inverted_cdf") / 1e9
        counted.update(zip(_QUANTILES, values.tolist(), strict=True))
    return counted


def _by(edges: npt.NDArray[np.int64], times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.searchsorted(np.sort(times), edges, side="right").astype(np.int64)


def _cpu_ratio(t_ns: Sequence[int] | npt.NDArray[np.int64], cpu_s: npt.NDArray[np.float64]) -> float:
    if len(t_ns) < 2:
        return np.nan
    # A restarted process counts from zero again: what it used before the first reading after that is not known.
    used = np.diff(cpu_s)
    return float(used[used > 0].sum() / ((t_ns[-1] - t_ns[0]) / 1e9))
