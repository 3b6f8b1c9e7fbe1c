"""Figures of runs side by side: one colour per run, the same in every figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..comparison import Side
from . import style
from .compared_backlogs import plot_backlogs
from .compared_footprint import PANELS, plot_footprints
from .compared_losses import plot_losses
from .compared_recovery import plot_recoveries

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "plot_backlogs", "plot_footprints", "plot_losses", "plot_recoveries", "render_all"]


def render_all(sides: Sequence[Side]) -> dict[str, bytes]:
    """PNG of every figure, by its name in :data:`FIGURES`, without pyplot's global state."""
    return {name: _png(draw, sides) for name, draw in FIGURES.items()}


def _backlogs(figure: Figure, sides: Sequence[Side]) -> None:
    plot_backlogs(sides, ax=figure.subplots())


def _recovery(figure: Figure, sides: Sequence[Side]) -> None:
    plot_recoveries(sides, ax=figure.subplots())


def _losses(figure: Figure, sides: Sequence[Side]) -> None:
    plot_losses(sides, ax=figure.subplots())


def _footprint(figure: Figure, sides: Sequence[Side]) -> None:
    plot_footprints(sides, axes=list(figure.subplots(1, len(PANELS), sharey=True)))


FIGURES: Mapping[str, Callable[[Figure, Sequence[Side]], None]] = MappingProxyType(
    {"backlogs": _backlogs, "recovery": _recovery, "losses": _losses, "footprint": _footprint}
)
"""File name without suffix -> what draws it."""


def _png(draw: Callable[[Figure, Sequence[Side]], Any], sides: Sequence[Side]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - heavy: only when something is drawn
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy: only when something is drawn

    wide, high = style.SIZE_IN
    # Backlogs have the height of a run's; bars need a little for each run.
    figure = Figure(figsize=(wide, max(high, 1.6 + 0.45 * len(sides))), dpi=style.DPI, layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure, sides)
    out = BytesIO()
    figure.savefig(out, format="png", metadata={"Software": "edgelab"})
    return out.getvalue()
