"""What one must know of links to understand a recovery that was measured; systems have their own remarks."""

from __future__ import annotations

import pandas as pd

_LONG_S = 0.5
_WHY = (
    "That is TCP: a sender whose receiver took nothing asks again after 0.2, 0.4, 0.8, … s, so it may find out as late "
    "after a stall as the stall was long. Whether it does differs from run to run. After a radio gap, retransmission "
    "backs off in the same way."
)


def of_links(windows: pd.DataFrame) -> tuple[str, ...]:
    """Sentences, from the table of :func:`edgelab.analysis.recovery.windows`; none where nothing needs one."""
    stalls = windows[windows["kind"].astype(str).str.startswith("stall") & ~windows["away"]]
    late = stalls[stalls["sync_s"] > _LONG_S]
    if late.empty:
        return ()
    sites = late["site"].astype(str).unique()
    where = sites[0] if len(sites) == 1 else f"{len(sites)} sites"
    took = f"needed up to {late['sync_s'].max():.1f} s after the clearing to arrive."
    return (f"The session of {where} outlived the stall, yet what waited {took} {_WHY}",)
