"""What each run needs: memory, processor time, start-up, bytes per message. Small multiples, one row per run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..comparison import Side, table
from ..wording import short_bytes, short_s
from . import compared_bars, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH_IN = 10.0


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the small figures.

    Attributes:
        title: what it shows.
        parts: columns of :func:`edgelab.analysis.comparison.table`, each with its word and colour; drawn one after
            the other in a bar.
        words: how a bar's length is written.
    """

    title: str
    parts: tuple[tuple[str, str, str], ...]
    words: Callable[[float], str]


PANELS = (
    Panel(
        "Memory, peak",
        (("site_memory_bytes", "a site", style.BLUE), ("hub_memory_bytes", "hub", style.SKY)),
        short_bytes,
    ),
    Panel(
        "Cores, under load",
        (("site_cpu_ratio", "a site", style.BLUE), ("hub_cpu_ratio", "hub", style.SKY)),
        "{:.2f}".format,
    ),
    Panel("Start-up", (("startup_s", "until every session flowed", style.GREEN),), short_s),
    Panel(
        "Bytes per message",
        (("up_bytes_per_message", "up", style.ORANGE), ("down_bytes_per_message", "down", style.YELLOW)),
        "{:,.0f}".format,
    ),
)


def plot_footprints(sides: Sequence[Side], *, axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """One panel per kind of need, on ``axes`` (as many as :data:`PANELS`) or on a new figure."""
    drawn = _axes() if axes is None else axes
    numbers = table(sides)
    for panel, ax in zip(PANELS, drawn, strict=True):
        _draw(ax, panel, sides, numbers)
    for ax in drawn[1:]:
        ax.tick_params(labelleft=False)
    return drawn


def _draw(ax: Axes, panel: Panel, sides: Sequence[Side], numbers: pd.DataFrame) -> None:
    y = compared_bars.rows(ax, sides)
    base = [0.0] * len(sides)
    known = [False] * len(sides)
    texts: list[list[str]] = [[] for _ in sides]
    for column, word, colour in panel.parts:
        values = [_number(value) for value in numbers[column]]
        widths = [value or 0.0 for value in values]
        ax.barh(
            [at - 0.1 for at in y], widths, 0.4, left=base, color=colour, edgecolor="white", linewidth=0.5, label=word
        )
        base = [reached + width for reached, width in zip(base, widths, strict=True)]
        for i, value in enumerate(values):
            known[i] = known[i] or value is not None
            texts[i].append("—" if value is None else panel.words(value))
    for at, parts, any_known in zip(y, texts, known, strict=True):
        ax.annotate(
            " + ".join(parts) if any_known else "not known", xy=(0.0, at + 0.12), xytext=(2, 2),
            textcoords="offset points", fontsize=7.5, va="bottom", color=style.INK if any_known else style.MUTED,
        )  # fmt: skip
    ax.set_xlim(0.0, max(*base, 1e-9) * 1.08)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    compared_bars.dress(ax, panel.title)
    ax.legend(
        loc="upper left", bbox_to_anchor=(-0.02, 0.0), ncols=2, fontsize=7.5, frameon=False, handlelength=1.0,
        columnspacing=1.0, borderpad=0.2,
    )  # fmt: skip


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _axes() -> Sequence[Axes]:
    from matplotlib import pyplot as plt  # noqa: PLC0415 - heavy: only when something is drawn

    _, axes = plt.subplots(1, len(PANELS), sharey=True, figsize=(_WIDTH_IN, style.SIZE_IN[1]), layout="constrained")
    return list(axes)
