"""Published against stored: the whole run at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..verdict import Verdict
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import Results


def plot_stored(results: Results, *, verdict: Verdict | None = None, ax: Axes | None = None) -> Axes:
    """Messages published by all sites, and distinct ones stored at the hub, over time."""
    ax = style.axes(ax)
    total = results.backlog.groupby("t_s")[["published", "stored"]].sum()
    t_s, published, stored = total.index.to_numpy(), total["published"].to_numpy(), total["stored"].to_numpy()
    ax.fill_between(t_s, stored, published, color=style.SKY, alpha=0.25, linewidth=0)
    ax.plot(t_s, published, color=style.INK, linewidth=1.2, linestyle=(0, (4, 2)), label="published at the sites")
    ax.plot(t_s, stored, color=style.BLUE, linewidth=1.8, label="stored at the hub")
    style.counting_axis(ax, "messages, all sites")
    style.headroom(ax, float(published.max(initial=0)))
    style.time_axis(ax, results)
    style.dress(ax, results, "Published and stored", verdict=verdict)
    style.legend_below(ax)
    _tell_the_gap(ax, results, float(published[-1]), float(stored[-1]))
    return ax


def _tell_the_gap(ax: Axes, results: Results, published: float, stored: float) -> None:
    counts = results.counts
    parts = [f"{n:,} {word}" for word, n in (("lost", counts.lost), ("stranded", counts.stranded)) if n]
    if not parts:
        return
    end_s = ax.get_xlim()[1]
    ax.annotate(
        "", xy=(end_s, stored), xytext=(end_s, published),
        arrowprops={"arrowstyle": "<->", "color": style.VERMILION, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0},
        annotation_clip=False,
    )  # fmt: skip
    ax.annotate(
        " + ".join(parts), xy=(end_s, (published + stored) / 2), xytext=(-8, 0), textcoords="offset points",
        fontsize=8, color=style.VERMILION, fontweight="bold", ha="right", va="center",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
    )  # fmt: skip
