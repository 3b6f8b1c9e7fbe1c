"""The backlog of each site: the sync plot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..verdict import Verdict
from ..wording import short_s
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import Results

_LABEL_WIDTH = 0.25
"""Of the axis: what the words beside a dot take at report size."""


def plot_backlog(results: Results, *, verdict: Verdict | None = None, ax: Axes | None = None) -> Axes:
    """Messages published and not lost that are not at the hub yet: a line per site, or the fleet's quantiles.

    A dot marks where the slowest site of each window had synced.
    """
    ax = style.axes(ax)
    waiting = results.backlog.pivot_table(index="t_s", columns="site", values="backlog", observed=True)
    if len(waiting.columns) > style.FLEET:
        _draw_fleet(ax, results, waiting)
    else:
        for site, colour in zip(waiting.columns, style.CYCLE, strict=False):
            ax.plot(waiting.index, waiting[site], color=colour, linewidth=1.5, label=str(site))
    # Less than a second of traffic is on its way, not a backlog: it must not fill the figure.
    second = results.counts.attempted / len(results.facts.sites) / results.facts.workload.duration_s
    highest = max(second, float(waiting.to_numpy().max(initial=0.0)))
    style.counting_axis(ax, "backlog, messages per site")
    style.headroom(ax, highest)
    style.time_axis(ax, results)
    style.dress(ax, results, "Backlog: published, not lost, not yet at the hub", verdict=verdict)
    style.legend_below(ax)
    _mark_syncs(ax, results)
    if results.counts.lost:
        words = f"{results.counts.lost:,} messages lost: they do not wait, and are not in the backlog"
        style.note(ax, words, y=0.88)
    return ax


def _draw_fleet(ax: Axes, results: Results, waiting: pd.DataFrame) -> None:
    low, middle, high = (waiting.quantile(q, axis=1) for q in (0.05, 0.5, 0.95))
    synced = results.windows.dropna(subset=["sync_s"]).sort_values("sync_s", kind="stable")
    # Without a sync, the slowest is the site that had a backlog for longest.
    slowest = synced["site"].iloc[-1] if len(synced) else waiting.gt(0).sum().idxmax()
    ax.fill_between(waiting.index, low, high, color=style.BLUE, alpha=0.25, linewidth=0, label="5 % to 95 % of sites")
    ax.plot(waiting.index, middle, color=style.BLUE, linewidth=1.8, label="median site")
    ax.plot(waiting.index, waiting[slowest], color=style.VERMILION, linewidth=1.2, label=f"slowest: {slowest}")


def _mark_syncs(ax: Axes, results: Results) -> None:
    synced = results.windows.dropna(subset=["sync_s"])
    slowest = synced.loc[synced.groupby("window")["sync_s"].idxmax()] if len(synced) else synced
    taken: list[tuple[float, float]] = []
    for row in slowest.sort_values("sync_s", ascending=False, kind="stable").to_dict("records"):
        done_s = row["end_s"] + row["sync_s"]
        own = results.backlog[results.backlog["site"] == row["site"]]
        height = float(own["backlog"].to_numpy()[own["t_s"].searchsorted(done_s).clip(max=len(own) - 1)])
        ax.plot([done_s], [height], marker="o", markersize=5, color=style.INK, clip_on=False, zorder=5)
        left, width_s = _stands_left(ax, done_s), _LABEL_WIDTH * ax.get_xlim()[1]
        low_s, high_s = (done_s - width_s, done_s) if left else (done_s, done_s + width_s)
        # The slowest first; others only where their words do not meet those of a slower one.
        if all(high_s <= low or low_s >= high for low, high in taken):
            taken.append((low_s, high_s))
            _name_sync(ax, row, at=(done_s, height))


def _stands_left(ax: Axes, done_s: float) -> bool:
    return done_s > 0.7 * ax.get_xlim()[1]


def _name_sync(ax: Axes, row: Mapping[Any, Any], *, at: tuple[float, float]) -> None:
    left = _stands_left(ax, at[0])
    ax.annotate(
        f"{row['site']} synced\n{short_s(row['sync_s'])} after the clearing", xy=at,
        xytext=(-8 if left else 8, 4), textcoords="offset points", fontsize=8, color=style.INK,
        ha="right" if left else "left", va="bottom",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1.0},
    )  # fmt: skip
