"""How all figures look: colours that survive colour blindness, shaded faults, titles that say what was run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..spans import Span, merged
from ..verdict import Verdict
from ..wording import named

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import Results

SIZE_IN = (8.0, 3.5)
DPI = 150
# Okabe and Ito's palette (jfly.uni-koeln.de/color), told apart by people with any colour blindness.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, INK = "#CC79A7", "#56B4E9", "#F0E442", "#222222"
CYCLE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, "#8C6D1F", INK)
TEXT_CYCLE = (BLUE, VERMILION, "#007A5A", "#8C6D1F", "#A8507F", INK, "#2B7DB0", "#B07A00")
"""For lines that are named in their own colour: dark enough to read on white."""
MUTED = "#6B6B6B"
SHADE = "#D9D9D9"
_VERDICT = {Verdict.PASS: GREEN, Verdict.UNKNOWN: "#8C6D1F", Verdict.FAIL: VERMILION}
MOST_LABELLED = 12
_WIDEST_LEGEND = 90  # letters
FLEET = 8
"""More sites than this are drawn as a fleet: quantiles and the worst, not a line each."""


def axes(ax: Axes | None) -> Axes:
    """``ax``, or the axes of a new figure at report size."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt  # noqa: PLC0415 - heavy: only when something is drawn

    return plt.subplots(figsize=SIZE_IN, layout="constrained")[1]


def dress(ax: Axes, results: Results, what: str, *, verdict: Verdict | None) -> None:
    """Title and frame: what the figure shows, of which system, and the verdict on the run."""
    facts = results.facts
    versions = ", ".join(f"{name} {version}" for name, version in facts.versions.items() if name != "toxiproxy")
    ax.set_title(what, loc="left", fontsize=10, fontweight="bold", color=INK, pad=18)
    ax.text(
        0.0, 1.02, f"{facts.system} · {versions} · {len(facts.sites)} site{'s' * (len(facts.sites) > 1)}",
        transform=ax.transAxes, fontsize=8, color=MUTED, va="bottom",
    )  # fmt: skip
    if verdict is not None:
        ax.text(
            1.0, 1.02, f"verdict: {verdict}",
            transform=ax.transAxes, fontsize=8, color=_VERDICT[verdict], fontweight="bold", va="bottom", ha="right",
        )  # fmt: skip
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=8, colors=INK)
    ax.grid(visible=True, axis="y", color="#E6E6E6", linewidth=0.6)
    ax.set_axisbelow(True)


def time_axis(ax: Axes, results: Results) -> None:
    """Seconds of the schedule, with every fault shaded from its measured start to its measured end."""
    end_s = results.facts.seconds(max(results.facts.drain_end_ns, results.facts.publish_end_ns))
    # A little room: the moment at which everything has arrived is the end of the run, and the point of the plot.
    ax.set_xlim(0.0, end_s * 1.03)
    ax.set_xlabel("seconds after the first message was due", fontsize=8)
    spans = fleet_spans(results)
    for span in spans:
        if span.start_ns is None:
            continue
        start_s = results.facts.seconds(span.start_ns)
        cleared_s = end_s if span.end_ns is None else results.facts.seconds(span.end_ns)
        ax.axvspan(start_s, cleared_s, color=SHADE, alpha=0.6, linewidth=0, zorder=0, gid=f"fault-{span.window}")
        if len(spans) <= MOST_LABELLED:
            ax.text(
                (start_s + min(cleared_s, end_s)) / 2, 0.985, named(span.fault, span.kind),
                transform=ax.get_xaxis_transform(), fontsize=8, color=INK, va="top", ha="center",
            )  # fmt: skip


def counting_axis(ax: Axes, label: str) -> None:
    """A y axis of whole messages from zero, ``20k`` for 20,000."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 - heavy: only when something is drawn

    ax.set_ylabel(label, fontsize=8)
    ax.set_ylim(bottom=0.0)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda n, _: compact(n)))


def headroom(ax: Axes, highest: float) -> None:
    """Room above the data for the faults' labels."""
    ax.set_ylim(0.0, max(highest * 1.18, 1.0))


def legend_below(ax: Axes, **how: Any) -> None:
    """The legend below the figure, where it hides nothing: in one row, or one below the other where names are long."""
    tall = sum(len(str(label)) for label in ax.get_legend_handles_labels()[1]) > _WIDEST_LEGEND
    ax.legend(
        loc="upper left", bbox_to_anchor=(0.0, -0.2 if tall else -0.16), ncols=1 if tall else 4, fontsize=8,
        frameon=False, borderpad=0.0, handlelength=1.6, columnspacing=1.4, **how,
    )  # fmt: skip


def note(ax: Axes, words: str, *, y: float) -> None:
    """A line that the figure must not be read without, at its right edge."""
    ax.text(
        0.99, y, words, transform=ax.transAxes, fontsize=8, color=VERMILION, fontweight="bold", ha="right", va="top",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
    )  # fmt: skip


def compact(n: float) -> str:
    """``950``, ``20k``, ``1.5M``."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if abs(n) >= size:
            return f"{n / size:.3g}{unit}"
    return f"{n:.3g}"


def fleet_spans(results: Results) -> list[Span]:
    """Every planned window once, from its first start to its last end on any target."""
    numbers = sorted({w.window for w in results.facts.windows})
    return [merged(w for w in results.facts.windows if w.window == number) for number in numbers]
