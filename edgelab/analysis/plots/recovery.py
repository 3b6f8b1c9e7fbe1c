"""Phases of recovery, one bar per site and window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..verdict import Verdict
from ..wording import named, short_s
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

    from ..results import Results

COLOURS = {"detect": style.PURPLE, "reconnect": style.ORANGE, "resume": style.SKY, "sync": style.BLUE}
_MEANINGS = {
    "detect": "detect (from applied)",
    "reconnect": "reconnect",
    "resume": "resume: first message",
    "sync": "sync: last owed message",
}
_MOST_BARS = 200


def plot_recovery(results: Results, *, verdict: Verdict | None = None, ax: Axes | None = None) -> Axes:
    """One bar per site and fault window: detection left of the line, recovery after the fault cleared right of it.

    Reconnect, resume and sync all count from the clearing: each colour is what came on top of the one before.
    Fleets are sorted by the length of their recovery, and only its extremes are named.
    """
    ax = style.axes(ax)
    rows = results.windows
    fleet = len(rows) > style.FLEET
    rows = _sorted(rows) if fleet else rows.iloc[::-1]
    ends = _draw(ax, rows, edge=0.0 if fleet else 0.5)
    _name(ax, rows, results)
    ax.axvline(0.0, color=style.INK, linewidth=1.0)
    _seconds_axis(ax, ends, results, room=0.05 if fleet else 0.34)
    if fleet:
        ax.set_ylabel(f"{len(rows)} recoveries, slowest on top", fontsize=8)
    else:
        for y, (row, end) in enumerate(zip(rows.to_dict("records"), ends, strict=True)):
            ax.annotate(
                _tell(row), xy=(end, y), xytext=(5, 0), textcoords="offset points", fontsize=8, va="center",
                color=style.VERMILION if pd.isna(row["sync_s"]) else style.INK,
            )  # fmt: skip
    style.dress(ax, results, "Recovery of each site", verdict=verdict)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color="#E6E6E6", linewidth=0.6)
    style.legend_below(ax, handles=patches())
    return ax


def patches() -> list[Patch]:
    """Of the phases, for a legend."""
    from matplotlib.patches import Patch  # noqa: PLC0415 - heavy: only when something is drawn

    return [Patch(color=COLOURS[phase], label=meaning) for phase, meaning in _MEANINGS.items()]


def _draw(ax: Axes, rows: pd.DataFrame, *, edge: float) -> list[float]:
    """Draw the bars; return where each ends."""
    y = np.arange(len(rows))
    height = 0.62 if edge else 1.0
    detect = rows["detect_s"].fillna(0.0).to_numpy()
    ax.barh(y, -detect, height, color=COLOURS["detect"], edgecolor="white", linewidth=edge)
    reached = np.zeros(len(rows))
    for phase in ("reconnect", "resume", "sync"):
        # A phase that did not happen adds nothing; one that was over before an earlier one adds nothing either.
        until = np.fmax(reached, rows[f"{phase}_s"].to_numpy())
        ax.barh(y, until - reached, height, left=reached, color=COLOURS[phase], edgecolor="white", linewidth=edge)
        reached = until
    ends: list[float] = reached.tolist()
    return ends


def _name(ax: Axes, rows: pd.DataFrame, results: Results) -> None:
    several = len(set(rows["window"])) > 1
    names = [
        f"{row['site']}\n{named(row['fault'], row['kind'])} at {row['planned_start_s']:g} s"
        if several
        else str(row["site"])
        for row in rows.to_dict("records")
    ]
    if len(names) > style.FLEET:
        places = sorted({0, len(names) // 2, len(names) - 1})
        names = [names[i].replace("\n", ", ") for i in places]
    else:
        places = list(range(len(names)))
    ax.set_yticks(places, names)
    ax.set_ylim(-0.6, max(len(rows), 1) - 0.4)
    if rows.empty:
        said = "no fault was planned" if not len(results.facts.schedule) else "no fault was measured"
        ax.text(0.5, 0.5, said, transform=ax.transAxes, fontsize=11, color=style.MUTED, ha="center")


def _seconds_axis(ax: Axes, ends: list[float], results: Results, *, room: float) -> None:
    from matplotlib.ticker import FuncFormatter  # noqa: PLC0415 - heavy: only when something is drawn

    longest = max([*ends, 0.05])
    detected = results.windows["detect_s"].max()
    left = 0.0 if pd.isna(detected) else float(detected)
    span = longest + left
    ax.set_xlim(-left - 0.03 * span, longest + room * span)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda s, _: f"{abs(s):g}"))
    ax.set_xlabel("← s to detect, after applied   |   seconds after the fault cleared →", fontsize=8)


def _tell(row: Mapping[Any, Any]) -> str:
    noticed = "not noticed"
    if not pd.isna(row["detect_s"]):
        noticed = "noticed at once" if row["detect_s"] < 0.001 else f"noticed in {short_s(row['detect_s'])}"
    if not pd.isna(row["sync_s"]):
        return (f"synced in {short_s(row['sync_s'])}" if row["sync_s"] else "nothing was waiting") + f"\n{noticed}"
    resumed = "never resumed" if pd.isna(row["resume_s"]) else f"resumed in {short_s(row['resume_s'])}"
    lost = f", {row['lost']:,} lost" if row["lost"] else ""
    return f"{resumed}, no sync{lost}\n{noticed}"


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    length = rows[["reconnect_s", "resume_s", "sync_s"]].max(axis=1).fillna(0.0)
    ordered = rows.iloc[np.argsort(length.to_numpy(), kind="stable")]
    if len(ordered) <= _MOST_BARS:
        return ordered
    return ordered.iloc[np.linspace(0, len(ordered) - 1, _MOST_BARS).round().astype(int)]
