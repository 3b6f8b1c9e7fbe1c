"""Figures of a run: results in, Axes out. Fault windows are shaded as they were measured.

Each function draws on ``ax``, or on a new figure of pyplot's; matplotlib is imported when the first is drawn.
"""

from .backlog import plot_backlog
from .losses import plot_losses
from .recovery import plot_recovery
from .saving import FIGURES, render_all, save_all
from .stored import plot_stored

__all__ = ["FIGURES", "plot_backlog", "plot_losses", "plot_recovery", "plot_stored", "render_all", "save_all"]
