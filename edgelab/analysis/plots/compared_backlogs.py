"""The backlogs of several runs on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..comparison import Side, same_faults, slowest
from ..wording import named, short_s
from . import compared_bars, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FAR_APART = 30.0
_FAR_LATER = 3.0
_SHARE_OF_DATA = 0.62
"""Of the axis' width: what is right of it is for the runs' names."""
_HIGHEST_LABEL, _LOWEST_LABEL = 0.86, 0.2


def plot_backlogs(sides: Sequence[Side], *, ax: Axes | None = None) -> Axes:
    """Messages published and not lost that are not at the hub yet, of all sites together: one line per run.

    Each line is named at the height at which a thin one leaves it. A lost message does not wait: it is in no backlog.
    """
    from matplotlib.ticker import FuncFormatter  # noqa: PLC0415 - heavy: only when something is drawn

    ax = style.axes(ax)
    lines = [_Line(side, side.backlog, style.TEXT_CYCLE[i % len(style.TEXT_CYCLE)]) for i, side in enumerate(sides)]
    rose = [line for line in lines if line.rose]
    highest = max([line.peak for line in rose], default=max((line.side.rate_hz for line in lines), default=1.0))
    apart = bool(rose) and highest / min(line.peak for line in rose) > _FAR_APART
    for line in lines:
        # The one drawn last would hide the others where all rise alike.
        ax.plot(line.waiting.index, line.waiting, color=line.colour, linewidth=1.6, alpha=0.9)
    style.counting_axis(ax, "backlog, messages of all sites")
    if apart:
        ax.set_yscale("symlog", linthresh=max(1.0, min(line.peak for line in rose) / 10))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda n, _: style.compact(n)))
    style.headroom(ax, highest * (3 if apart else 1))
    shown_s = _time_axis(ax, [_busy_until_s(line) for line in lines])
    _shade(ax, sides, shown_s)
    _name(ax, lines)
    about = "lost messages do not wait: they are in no backlog" + " · messages by their logarithm" * apart
    compared_bars.dress(ax, "Backlogs: published, not lost, not yet at the hub", about)
    ax.grid(visible=True, axis="y", color="#E6E6E6", linewidth=0.6)
    return ax


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """The backlog of one run."""

    side: Side
    waiting: pd.Series
    colour: str

    @property
    def peak(self) -> float:
        return float(self.waiting.max()) if len(self.waiting) else 0.0

    @property
    def rose(self) -> bool:
        """More than a second of traffic waited: less is on its way, not a backlog."""
        return self.peak > self.side.rate_hz

    def last_above_s(self, height: float) -> float:
        """When it was last as high as ``height``."""
        above = np.flatnonzero(self.waiting.to_numpy() >= height)
        return float(self.waiting.index[above[-1]]) if len(above) else 0.0

    @property
    def end_s(self) -> float:
        return float(self.waiting.index[-1]) if len(self.waiting) else 0.0


def _busy_until_s(line: _Line) -> float:
    """Until when there is something to see: the faults, and a little beyond the last backlog."""
    windows = line.side.result["windows"]
    cleared = max((w["planned_start_s"] + w["planned_s"] for w in windows), default=0.0)
    busy = line.last_above_s(0.05 * line.peak) if line.rose else 0.0
    return max(cleared * 1.15, busy * 1.05, 1.0)


def _time_axis(ax: Axes, ends_s: Sequence[float]) -> float:
    """Draw the axis, with room for names; returns the last second that is shown.

    Where one run took far longer than the others, what comes after those is drawn closer together.
    """
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - heavy: only when something is drawn

    ends = sorted(ends_s) or [1.0]
    shown_s = ends[-1]
    ax.set_xlabel("seconds after the first message was due", fontsize=8)
    turn_s = next((end for end, later in pairwise(ends) if later > _FAR_LATER * end), None)
    if turn_s is None:
        ax.set_xlim(0.0, shown_s / _SHARE_OF_DATA)
        return shown_s
    turn_s *= 1.1
    # The late part is as long as half of the early one.
    by = 0.5 * turn_s / (shown_s - turn_s)

    def forward(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(t <= turn_s, t, turn_s + (t - turn_s) * by)

    def back(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(t <= turn_s, t, turn_s + (t - turn_s) / by)

    ax.set_xscale("function", functions=(forward, back))
    ax.set_xlim(0.0, float(back(np.asarray(1.5 * turn_s / _SHARE_OF_DATA))))
    early, late = MaxNLocator(5).tick_values(0.0, turn_s), MaxNLocator(3).tick_values(turn_s, shown_s)
    ax.set_xticks([*(t for t in early if t < 0.97 * turn_s), *(t for t in late if 1.2 * turn_s < t <= shown_s)])
    ax.axvline(turn_s, color=style.MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    ax.text(
        turn_s, 0.985, f" seconds {1 / by:,.0f} times\n closer together →", transform=ax.get_xaxis_transform(),
        fontsize=8, color=style.MUTED, va="top",
    )  # fmt: skip
    return shown_s


def _shade(ax: Axes, sides: Sequence[Side], shown_s: float) -> None:
    """The faults, as measured in the run where they held for longest; none where the runs planned different ones."""
    if not sides or not same_faults(sides):
        return
    for number, window in enumerate(sides[0].result["windows"]):
        measured = [
            (w["start_s"], shown_s if w["measured_s"] is None else w["start_s"] + w["measured_s"])
            for w in (side.result["windows"][number] for side in sides)
            if w["start_s"] is not None
        ]
        if not measured:
            continue
        start_s, end_s = min(start for start, _ in measured), max(end for _, end in measured)
        ax.axvspan(start_s, end_s, color=style.SHADE, alpha=0.6, linewidth=0, zorder=0, gid=f"fault-{number}")
        if len(sides[0].result["windows"]) <= style.MOST_LABELLED:
            ax.text(
                (start_s + end_s) / 2, 0.985, named(window["fault"], window["kind"]),
                transform=ax.get_xaxis_transform(), fontsize=8, color=style.INK, va="top", ha="center",
            )  # fmt: skip


def _name(ax: Axes, lines: Sequence[_Line]) -> None:
    """The names, on top of each other in the order in which the lines come down."""
    ordered = sorted(lines, key=lambda line: line.last_above_s(0.5 * line.peak) if line.rose else -1.0)
    heights = np.linspace(_LOWEST_LABEL, _HIGHEST_LABEL, len(ordered)) if len(ordered) > 1 else [0.6]
    for line, share in zip(ordered, heights, strict=True):
        left, height = _at_share(ax, _SHARE_OF_DATA + 0.03, float(share))
        if line.rose:
            leaves = min(height, line.peak)
            ax.plot(
                [line.last_above_s(leaves), left], [leaves, height], color=line.colour,
                linewidth=0.8, linestyle=(0, (1, 2)),
            )  # fmt: skip
        ax.annotate(
            f"{line.side.label}\n{_tell(line)}", xy=(left, height), xytext=(3, 0), textcoords="offset points",
            fontsize=8, color=line.colour, va="center", fontweight="bold", linespacing=1.25,
        )  # fmt: skip


def _at_share(ax: Axes, across: float, up: float) -> tuple[float, float]:
    """The second and the messages at shares of the axes, whatever their scales."""
    second, messages = ax.transData.inverted().transform(ax.transAxes.transform((across, up)))
    return float(second), float(messages)


def _tell(line: _Line) -> str:
    counts, recovery = line.side.result["ledger"], slowest(line.side.result)
    parts = []
    if counts["stranded"]:
        parts.append(f"{counts['stranded']:,} stranded")
    if recovery is not None and recovery.sync_s is not None:
        parts.append(f"synced {short_s(recovery.sync_s)} after the fault" if recovery.sync_s else "nothing waited")
    elif not line.rose:
        parts.append("no backlog")
    elif not counts["stranded"]:
        parts.append("not synced")
    if counts["lost"]:
        parts.append(f"{counts['lost']:,} lost")
    return ", ".join(parts)
