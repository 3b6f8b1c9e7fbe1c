"""Lost messages of each run, by cause: one bar per run."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten
from typing import TYPE_CHECKING

from ..comparison import Side
from ..counts import UNEXPLAINED
from . import compared_bars, style
from .losses import CAUSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_losses(sides: Sequence[Side], *, ax: Axes | None = None) -> Axes:
    """Lost messages, stacked by cause; beside each bar what else became of the messages that did not just arrive."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 - heavy: only when something is drawn

    ax = style.axes(ax)
    y = compared_bars.rows(ax, sides)
    by_run = [side.result["losses"]["by_cause"] for side in sides]
    causes = list(dict.fromkeys(cause for by_cause in by_run for cause in by_cause))
    colours = iter(CAUSES * (1 + len(causes) // len(CAUSES)))
    base = [0] * len(sides)
    for cause in causes:
        widths = [by_cause.get(cause, 0) for by_cause in by_run]
        unexplained = cause == UNEXPLAINED
        ax.barh(
            y, widths, 0.62, left=base, color=style.VERMILION if unexplained else next(colours), edgecolor="white",
            linewidth=0.5, hatch="///" if unexplained else None,
            label=f"{shorten(cause, 90, placeholder=' …')} ({sum(widths):,})",
        )  # fmt: skip
        base = [reached + width for reached, width in zip(base, widths, strict=True)]
    for at, side, end in zip(y, sides, base, strict=True):
        ax.annotate(
            _tell(side), xy=(end, at), xytext=(5, 0), textcoords="offset points", fontsize=8, va="center",
            color=style.VERMILION if side.result["ledger"]["lost"] else style.INK,
        )  # fmt: skip
    ax.set_xlim(0.0, max(*base, 1) * 1.5)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda n, _: style.compact(n)))
    ax.set_xlabel("messages lost, all sites", fontsize=8)
    compared_bars.dress(ax, "Lost messages, by cause", _of_how_many(sides))
    ax.grid(visible=True, axis="x", color="#E6E6E6", linewidth=0.6)
    if causes:
        style.legend_below(ax)
    return ax


def _of_how_many(sides: Sequence[Side]) -> str:
    attempted = {side.result["ledger"]["attempted"] for side in sides}
    if not attempted:
        return ""
    low, high = min(attempted), max(attempted)
    return f"of {low:,} messages each" if low == high else f"of {low:,} to {high:,} messages each"


def _tell(side: Side) -> str:
    counts = side.result["ledger"]
    parts = [f"{counts['lost']:,} lost" if counts["lost"] else "none lost"]
    if counts["lost_acknowledged"]:
        every = counts["lost_acknowledged"] == counts["lost"]
        parts[0] += ", all" if every else f", {counts['lost_acknowledged']:,}"
        parts[0] += " acknowledged"
    parts += [f"{counts[name]:,} {name}" for name in ("stranded", "duplicated") if counts[name]]
    return "\n".join([parts[0], ", ".join(parts[1:])]) if parts[1:] else parts[0]
