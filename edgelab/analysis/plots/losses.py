"""Messages lost per second, by cause: the loss plot."""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..counts import UNEXPLAINED
from ..verdict import Verdict
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import Results

_MOST_BARS = 150
CAUSES = (style.ORANGE, style.SKY, style.PURPLE, style.GREEN, style.YELLOW, style.BLUE)


def plot_losses(results: Results, *, verdict: Verdict | None = None, ax: Axes | None = None) -> Axes:
    """Messages lost per second of their sending, stacked by cause, against what was published."""
    ax = style.axes(ax)
    facts, ledger = results.facts, results.ledger
    end_s = facts.seconds(max(facts.drain_end_ns, facts.publish_end_ns))
    width_s = max(1.0, np.ceil(end_s / _MOST_BARS))
    edges = np.arange(0.0, end_s + width_s, width_s)
    sent_s = (ledger["sent_ns"].to_numpy() - facts.start_ns) / 1e9
    published = np.histogram(sent_s, edges)[0] / width_s
    ax.stairs(published, edges, baseline=None, color=style.INK, linewidth=1.0, linestyle=(0, (4, 2)), label="published")
    lost = (ledger["fate"] == "lost").to_numpy()
    _stack(ax, results, sent_s[lost], ledger["cause"].to_numpy()[lost], edges)
    style.counting_axis(ax, "messages per second, all sites")
    style.headroom(ax, float(published.max(initial=0.0)))
    style.time_axis(ax, results)
    counts = results.counts
    style.dress(
        ax, results, f"Lost: {counts.lost:,} of {counts.attempted:,} messages, by when they were sent", verdict=verdict
    )
    if not counts.lost:
        ax.text(0.5, 0.5, "no message was lost", transform=ax.transAxes, fontsize=11, color=style.MUTED, ha="center")
    style.legend_below(ax)
    return ax


def _stack(
    ax: Axes, results: Results, sent_s: npt.NDArray[np.float64], cause: npt.NDArray[np.object_],
    edges: npt.NDArray[np.float64],
) -> None:  # fmt: skip
    by_cause = results.losses.groupby("cause", observed=True)["messages"].sum().sort_values(ascending=False)
    base = np.zeros(len(edges) - 1)
    width_s = edges[1] - edges[0]
    colours = iter(CAUSES * (1 + len(by_cause) // len(CAUSES)))
    for name, total in by_cause.items():
        heights = np.histogram(sent_s[cause == name], edges)[0] / width_s
        colour = style.VERMILION if name == UNEXPLAINED else next(colours)
        label = f"{shorten(str(name), 90, placeholder=' …')} ({total:,})"
        ax.bar(
            edges[:-1], heights, width_s, bottom=base, align="edge", color=colour, edgecolor="white", linewidth=0.3,
            hatch="///" if name == UNEXPLAINED else None, label=label,
        )  # fmt: skip
        base += heights
