"""The page of a comparison: one HTML file that needs nothing else, and a short note of the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import comparison_tables
from .comparison import Failure, Side
from .page import data_uri, fill
from .report_tables import Table

CAPTIONS: Mapping[str, str] = {
    "backlogs": "What had been published, was not lost, and had not yet arrived at the hub. Grey: the faults, as "
    "measured. A lost message does not wait: it is in no backlog.",
    "recovery": "The slowest site of each: how long it took to notice the fault, and to come back after it had "
    "cleared. Each colour is what came on top of the one before.",
    "losses": "Lost messages, by cause.",
    "footprint": "What each needs: the services of one site (the largest) and of the hub, without the lab's own; "
    "and bytes over the links per message that arrived.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a comparison's page tells.

    Attributes:
        name: of the comparison.
        sides / failures: its entries.
        differences: what bears on the numbers and is not the same for all.
        asked: what all share: pairs of a name and a text.
        folders: where each run is, as seen from the page.
        command: how to play it again; empty where one cannot.
    """

    name: str
    sides: tuple[Side, ...]
    failures: tuple[Failure, ...]
    differences: Table
    asked: tuple[tuple[str, str], ...]
    folders: Mapping[str, str]
    command: str


def html(page: Page, images: Mapping[str, bytes]) -> str:
    """The page as HTML, with the figures' PNGs by name."""
    return fill(
        "comparison.html.jinja",
        page=page,
        lines=_lines(page),
        table=comparison_tables.side_by_side(page.sides, page.failures),
        losses=comparison_tables.losses(page.sides),
        remarks=comparison_tables.remarks(page.sides),
        figures=[(name, caption, data_uri(images[name])) for name, caption in CAPTIONS.items() if name in images],
    )


def markdown(page: Page) -> str:
    """The same in short, for a note."""
    parts = [f"# {page.name}", *(f"{what}: {text}  " for what, text in page.asked), ""]
    parts += [comparison_tables.markdown(comparison_tables.side_by_side(page.sides, page.failures)), ""]
    if page.sides:
        parts += [comparison_tables.NOTE, ""]
    parts += [f"No result of {one.label}: {one.why}\n" for one in page.failures]
    for shown in (comparison_tables.losses(page.sides), page.differences):
        if shown.rows:
            parts += [comparison_tables.markdown(shown), ""]
    parts += [f"- {label}: {where}" for label, where in page.folders.items()]
    return "\n".join([*parts, *(["", f"`{page.command}`"] if page.command else []), ""])


def _lines(page: Page) -> tuple[tuple[str, str, str], ...]:
    """Of each run: label, verdict, outcome in words."""
    return tuple((side.label, side.result["verdict"], comparison_tables.in_a_line(side)) for side in page.sides)
