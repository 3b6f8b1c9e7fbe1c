"""What one must know of nats-server to understand a recovery that was measured. Pure."""

from __future__ import annotations

import pandas as pd

from . import control

_LONG_S = 3.0
"""A hub that takes again as soon as the session is back does so within a second or two."""


def of_leaf(windows: pd.DataFrame, *, durable_source: bool) -> tuple[str, ...]:
    """For ``nats-leaf``: why messages came so long after the session was back."""
    waited = windows["resume_s"] - windows["reconnect_s"]
    never = windows["reconnect_s"].notna() & windows["resume_s"].isna()
    late = windows[(waited > _LONG_S) | never]
    if late.empty:
        return ()
    low, high = waited[waited > _LONG_S].min(), waited.max()
    span = f"for {low:.1f} s" if round(low, 1) == round(high, 1) else f"for {low:.1f} to {high:.1f} s"
    if never.any():
        until = "until the next fault or the end of the run"
        span = until if never[late.index].all() else f"{span}, or {until},"
    found = (
        f"The hub took nothing from {control.some(set(late['site'].astype(str)))} {span} after the session was back."
    )
    why = (
        " That is nats-server's own wait, not the link's: a stream that takes from a site gives up a request which "
        "the fault swallowed only after 30 s (5 s in 2.10.12), and waits 10, 20, 30, … s between two tries. Neither a "
        "faster reconnect nor faster pings shorten it"
    )
    way_out = (
        "." if durable_source else "; taking from a durable consumer does (system.durable_source=true, from 2.14.0)."
    )
    return (found + why + way_out,)
