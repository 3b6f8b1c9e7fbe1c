"""Recovery of each run's slowest site, one bar per run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..comparison import Recovery, Side, slowest
from ..wording import short_s
from . import compared_bars, style
from .recovery import COLOURS, patches

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FAR_APART = 20.0
_SHORTEST_S = 0.05
_LINEAR = 0.6
"""Of the part of a logarithmic axis around zero: its length, in tens."""
_PHASES = ("reconnect", "resume", "sync")
_TICKS_S = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)


def plot_recoveries(sides: Sequence[Side], *, ax: Axes | None = None) -> Axes:
    """One bar per run: detection left of the line, recovery after the fault cleared right of it.

    Where the longest bar is far longer than the shortest, the seconds are drawn by their logarithm.
    """
    ax = style.axes(ax)
    found = [slowest(side.result) for side in sides]
    y = compared_bars.rows(ax, sides)
    ends = [_draw(ax, at, recovery) for at, recovery in zip(y, found, strict=True)]
    logarithmic = _seconds_axis(ax, found, ends)
    for at, side, recovery, end in zip(y, sides, found, ends, strict=True):
        came_back = recovery is not None and recovery.sync_s is not None
        ax.annotate(
            _tell(side, recovery), xy=(end, at), xytext=(5, 0), textcoords="offset points", fontsize=8, va="center",
            color=style.INK if came_back else style.VERMILION,
        )  # fmt: skip
    ax.axvline(0.0, color=style.INK, linewidth=1.0)
    about = "slowest site of each" + (" · seconds by their logarithm" if logarithmic else "")
    compared_bars.dress(ax, "Recovery", about)
    ax.grid(visible=True, axis="x", color="#E6E6E6", linewidth=0.6)
    style.legend_below(ax, handles=patches())
    return ax


def _draw(ax: Axes, y: int, recovery: Recovery | None) -> float:
    """Draw the bar; return where it ends."""
    reached = 0.0
    if recovery is None:
        return reached
    how: dict[str, Any] = {"height": 0.62, "edgecolor": "white", "linewidth": 0.5}
    ax.barh(y, -(recovery.detect_s or 0.0), color=COLOURS["detect"], **how)
    for phase in _PHASES:
        # A phase that did not happen adds nothing; one that was over before an earlier one adds nothing either.
        until = max(reached, getattr(recovery, f"{phase}_s") or 0.0)
        ax.barh(y, until - reached, left=reached, color=COLOURS[phase], **how)
        reached = until
    return reached


def _seconds_axis(ax: Axes, found: Sequence[Recovery | None], ends: Sequence[float]) -> bool:
    """Draw the axis; return whether it is logarithmic."""
    from matplotlib.ticker import FixedLocator, FuncFormatter  # noqa: PLC0415 - heavy: only when something is drawn

    longest = max([*ends, _SHORTEST_S])
    left = max([0.0, *(r.detect_s or 0.0 for r in found if r is not None)])
    bars = [max(end, _SHORTEST_S) for end in ends if end > 0]
    apart = max(longest, left) / min([*bars, longest]) > _FAR_APART
    if apart:
        # Linear up to the shortest bar's order, so that zero has a place.
        within = 10.0 ** math.floor(math.log10(min(bars)))
        ax.set_xscale("symlog", linthresh=within, linscale=_LINEAR)
        ticks = [0.0, *(t for t in _TICKS_S if within <= t <= longest * 1.1)]
        back = [-t for t in _TICKS_S if within <= t <= left * 1.1]
        ax.xaxis.set_major_locator(FixedLocator([*back, *ticks]))
        ax.xaxis.set_minor_locator(FixedLocator([]))
        # Room for the words beside the longest bar: on this scale each length is a factor.
        ax.set_xlim(-left * 1.5 - 0.15 * within, longest * 10 ** (0.4 * (math.log10(longest / within) + _LINEAR)))
    else:
        span = longest + left
        ax.set_xlim(-left - 0.03 * span, longest + 0.4 * span)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda s, _: f"{abs(s):g}"))
    ax.set_xlabel("← s to detect, after applied   |   seconds after the fault cleared →", fontsize=8)
    return apart


def _tell(side: Side, recovery: Recovery | None) -> str:
    if recovery is None:
        return "no fault was measured"
    whose = []
    if side.several_sites:
        whose.append(recovery.site)
    if len(side.result["windows"]) > 1:
        whose.append(f"fault {recovery.window + 1} of {len(side.result['windows'])}")
    noticed = "not noticed"
    if recovery.detect_s is not None:
        noticed = "noticed at once" if recovery.detect_s < 0.001 else f"noticed in {short_s(recovery.detect_s)}"
    lost = side.result["ledger"]["lost"]
    if recovery.sync_s is not None:
        back = f"synced in {short_s(recovery.sync_s)}" if recovery.sync_s else "nothing was waiting"
    else:
        resumed = "never resumed" if recovery.resume_s is None else f"resumed in {short_s(recovery.resume_s)}"
        back = f"{resumed}, no sync" + (f", {lost:,} lost" if lost else "")
    return f"{back}\n{', '.join([noticed, *whose])}"
