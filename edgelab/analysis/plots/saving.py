"""All figures of a run as PNG, without pyplot's global state: safe beside a notebook's own figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..verdict import Verdict
from . import style
from .backlog import plot_backlog
from .losses import plot_losses
from .recovery import plot_recovery
from .stored import plot_stored

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import Results

FIGURES: Mapping[str, Callable[..., Axes]] = MappingProxyType(
    {"stored": plot_stored, "backlog": plot_backlog, "losses": plot_losses, "recovery": plot_recovery}
)
"""File name without suffix -> function."""


def render_all(results: Results, *, verdict: Verdict | None = None) -> dict[str, bytes]:
    """PNG of every figure, by its name in :data:`FIGURES`."""
    return {name: _png(draw, results, verdict) for name, draw in FIGURES.items()}


def save_all(results: Results, folder: Path, *, verdict: Verdict | None = None) -> dict[str, Path]:
    """Write every figure into ``folder``, which must exist; return where each is."""
    paths = {}
    for name, png in render_all(results, verdict=verdict).items():
        paths[name] = folder / f"{name}.png"
        paths[name].write_bytes(png)
    return paths


def _png(draw: Callable[..., Axes], results: Results, verdict: Verdict | None) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - heavy: only when something is drawn
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy: only when something is drawn

    figure = Figure(figsize=style.SIZE_IN, dpi=style.DPI, layout="constrained")
    FigureCanvasAgg(figure)
    draw(results, verdict=verdict, ax=figure.subplots())
    out = BytesIO()
    figure.savefig(out, format="png", metadata={"Software": "edgelab"})
    return out.getvalue()
