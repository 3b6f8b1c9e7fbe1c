"""What figures with one row per run share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..comparison import Side
from ..wording import broken
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDEST_LABEL = 20


def rows(ax: Axes, sides: Sequence[Side]) -> list[int]:
    """One row per run, the first on top; returns their heights on the axis."""
    y = list(range(len(sides)))[::-1]
    ax.set_yticks(y, [broken(side.label, _WIDEST_LABEL) for side in sides])
    ax.set_ylim(-0.6, len(sides) - 0.4)
    return y


def dress(ax: Axes, what: str, about: str = "") -> None:
    """Title and frame."""
    ax.set_title(what, loc="left", fontsize=10, fontweight="bold", color=style.INK, pad=18 if about else 6)
    if about:
        ax.text(0.0, 1.02, about, transform=ax.transAxes, fontsize=8, color=style.MUTED, va="bottom")
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=8, colors=style.INK)
    ax.set_axisbelow(True)
