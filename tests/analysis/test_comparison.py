"""Runs side by side, from made-up runs: numbers, words, figures, page."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edgelab.analysis import comparison_report, comparison_tables, result
from edgelab.analysis.comparison import Failure, Side, phase_of_slowest, same_faults, slowest, table
from edgelab.analysis.plots.compared import (
    FIGURES,
    plot_backlogs,
    plot_footprints,
    plot_losses,
    plot_recoveries,
    render_all,
)
from edgelab.analysis.results import analyse
from edgelab.analysis.synthetic import Behaviour, outage_run
from edgelab.analysis.testing import no_buffer, no_causes
from edgelab.analysis.verdict import judge
from edgelab.model.faults import Outage
from edgelab.model.schedule import Window


def side(label: str, *, sites: int = 1, until_s: float = 13.0, **behaviour: Any) -> Side:
    """A run of a system that behaves so: 100 messages per second and site, an outage from second 5."""
    facts = outage_run(
        sites=sites, rate_hz=100.0, duration_s=23.0, outage=Window(5.0, until_s, Outage(kind="cut")),
        behaviour=Behaviour(**behaviour),
    )  # fmt: skip
    results = analyse(facts, no_causes if behaviour.get("buffers", True) else no_buffer)
    value = result.value(results, judge(results, ()))
    value |= {"startup_s": 1.5, "clients": {"publish-0": "nats-py 2.16.0"}}
    return Side(
        label=label,
        result=value,
        places={"hub": "hub", "toxiproxy": "", **{site: site for site in facts.sites}},
        rate_hz=100.0 * sites,
        backlog=results.backlog.groupby("t_s")["backlog"].sum(),
    )


@pytest.fixture(scope="module")
def leaf() -> Side:
    return side("nats-leaf", resume_s=0.8)


@pytest.fixture(scope="module")
def core() -> Side:
    return side("nats-leaf-core", buffers=False)


@pytest.fixture(scope="module")
def waits() -> Side:
    """As MirrorMaker does whose work is kept for a worker that is gone."""
    return side("kafka-mirrormaker:default", resume_s=300.0)


@pytest.fixture
def ax() -> Axes:
    return Figure(figsize=(8, 3.5), layout="constrained").subplots()


@pytest.fixture(autouse=True)
def _no_figures_left() -> Iterator[None]:
    plt.switch_backend("agg")
    yield
    plt.close("all")


def _texts(ax: Axes) -> str:
    return "\n".join(text.get_text() for text in ax.texts)


def test_a_row_has_the_numbers_of_the_result(leaf: Side, core: Side) -> None:
    rows = table([leaf, core])

    assert list(rows.index) == ["nats-leaf", "nats-leaf-core"]
    (phases,) = leaf.result["windows"][0]["sites"].values()
    for phase in ("detect_s", "reconnect_s", "resume_s", "sync_s"):
        assert rows.loc["nats-leaf", phase] == phases[phase]
    assert rows.loc["nats-leaf-core", "lost"] == core.result["ledger"]["lost"] > 0
    assert np.isnan(rows.loc["nats-leaf-core", "sync_s"])  # type: ignore[arg-type]
    link = core.result["links"]["site-1"]
    per_message = rows.loc["nats-leaf-core", "up_bytes_per_message"]
    assert per_message == link["bytes_up"] / core.result["ledger"]["delivered"]


def test_the_footprint_of_a_site_is_all_its_services_and_not_the_labs_own(leaf: Side) -> None:
    used = {"rss_mean_bytes": 0, "cpu_idle_ratio": None}
    footprint = {
        "hub": {"rss_bytes": 100, "cpu_ratio": 0.5, **used},
        "site-1": {"rss_bytes": 30, "cpu_ratio": 0.1, **used},
        "mirror-site-1": {"rss_bytes": 12, "cpu_ratio": 0.2, **used},
        "site-2": {"rss_bytes": 5, "cpu_ratio": None, **used},
        "toxiproxy": {"rss_bytes": 1000, "cpu_ratio": 1.0, **used},
    }
    places = {"hub": "hub", "toxiproxy": "", "site-1": "site-1", "mirror-site-1": "site-1", "site-2": "site-2"}

    row = table([_with(leaf, places=places, result={**leaf.result, "footprint": footprint})]).iloc[0]

    assert (row["site_memory_bytes"], row["hub_memory_bytes"]) == (42, 100)
    assert (row["site_cpu_ratio"], row["hub_cpu_ratio"]) == (pytest.approx(0.3), 0.5)


def test_a_sync_that_one_site_never_had_has_no_slowest_site() -> None:
    two = side("x", sites=2)
    phases = two.result["windows"][0]["sites"]
    phases["site-2"] |= {"sync_s": None, "detect_s": None}

    assert phase_of_slowest(two.result, "sync_s") is None
    assert phase_of_slowest(two.result, "detect_s") == phases["site-1"]["detect_s"]
    found = slowest(two.result)
    assert found is not None
    assert found.site == "site-2"


def test_what_older_results_do_not_hold_is_a_dash(leaf: Side) -> None:
    old = {key: value for key, value in leaf.result.items() if key not in {"startup_s", "clients"}}

    shown = comparison_tables.side_by_side([leaf, _with(leaf, label="old", result=old)])

    assert ("start-up", "1.50 s", "—") in shown.rows
    assert ("published with", "nats-py 2.16.0", "—") in shown.rows


def test_an_entry_without_a_result_keeps_its_column(leaf: Side) -> None:
    shown = comparison_tables.side_by_side([leaf], [Failure("kafka-direct", "no Java")])

    assert shown.head == ("", "nats-leaf", "kafka-direct")
    assert ("verdict", "pass", "no result") in shown.rows


def test_only_what_differs_is_told() -> None:
    told = {"a": {"seed": "1", "runtime": "process"}, "b": {"seed": "2", "runtime": "process"}}

    assert comparison_tables.differences(told).rows == (("seed", "1", "2"),)


def test_an_outcome_in_a_line(leaf: Side, core: Side) -> None:
    assert "2,300 of 2,300 delivered, synced" in comparison_tables.in_a_line(leaf)
    assert f"{core.result['ledger']['lost']:,} lost, resumed" in comparison_tables.in_a_line(core)


def test_each_backlog_has_its_line_and_its_name(leaf: Side, core: Side, ax: Axes) -> None:
    plot_backlogs([leaf, core], ax=ax)

    peaks = sorted(np.asarray(line.get_ydata()).max() for line in ax.lines[:2])
    assert peaks == sorted([leaf.backlog.max(), core.backlog.max()])
    assert "nats-leaf\nsynced" in _texts(ax)
    assert f"nats-leaf-core\nno backlog, {core.result['ledger']['lost']:,} lost" in _texts(ax)
    (shade,) = [patch for patch in ax.patches if patch.get_gid() == "fault-0"]
    box = shade.get_window_extent().transformed(ax.transData.inverted())
    measured = leaf.result["windows"][0]
    assert (box.x0, box.x1) == pytest.approx((measured["start_s"], measured["start_s"] + measured["measured_s"]))


def test_different_faults_are_not_shaded_as_one(leaf: Side, ax: Axes) -> None:
    other = side("longer", until_s=14.0)

    plot_backlogs([leaf, other], ax=ax)

    assert not same_faults([leaf, other])
    assert not [patch for patch in ax.patches if str(patch.get_gid()).startswith("fault-")]


def test_a_backlog_of_minutes_leaves_one_of_seconds_readable(leaf: Side, waits: Side, ax: Axes) -> None:
    plot_backlogs([leaf, waits], ax=ax)

    assert "closer together" in _texts(ax)
    low, high = (ax.transData.transform((second, 0.0))[0] for second in (5.0, 15.0))
    assert (high - low) / ax.get_window_extent().width > 0.2


@pytest.mark.parametrize("draw", [plot_backlogs, plot_recoveries, plot_losses])
def test_words_do_not_lie_on_each_other_and_stay_within_the_figure(
    draw: Any, leaf: Side, core: Side, waits: Side, ax: Axes
) -> None:
    draw([leaf, core, waits, _with(leaf, label="kafka-mirrormaker:tuned")], ax=ax)

    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text()]
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    assert all(box.x1 <= figure.bbox.x1 for box in boxes)


def test_a_recovery_is_one_bar_of_phases(leaf: Side, core: Side, waits: Side, ax: Axes) -> None:
    plot_recoveries([leaf, core, waits], ax=ax)

    assert ax.get_xscale() == "symlog"
    found = slowest(leaf.result)
    assert found is not None
    ends = {round(patch.get_x() + patch.get_width(), 6) for patch in ax.patches}  # type: ignore[attr-defined]
    assert {round(s, 6) for s in (found.reconnect_s, found.resume_s, found.sync_s) if s is not None} <= ends
    assert "no sync" in _texts(ax)
    assert [label.get_text() for label in ax.get_yticklabels()][2] == "kafka-mirrormaker\n:default"


def test_recoveries_of_one_order_are_drawn_to_scale(leaf: Side, ax: Axes) -> None:
    plot_recoveries([leaf, _with(leaf, label="again")], ax=ax)

    assert ax.get_xscale() == "linear"


def test_losses_are_stacked_by_cause(leaf: Side, core: Side, ax: Axes) -> None:
    plot_losses([leaf, core], ax=ax)

    lost = core.result["ledger"]["lost"]
    assert sorted(bar.get_width() for bar in ax.containers[0].patches) == [0, lost]  # type: ignore[attr-defined]
    assert "none lost" in _texts(ax)
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [f"no buffer on core NATS ({lost:,})"]


def test_the_footprint_says_each_number_and_what_is_not_known(leaf: Side) -> None:
    unknown = _with(leaf, label="old", result={**leaf.result, "startup_s": None})

    axes = plot_footprints([leaf, unknown])

    assert [ax.get_title(loc="left") for ax in axes][2] == "Start-up"
    assert _texts(axes[2]).splitlines() == ["1.50 s", "not known"]


def test_all_figures_are_pngs_without_touching_pyplot(leaf: Side, core: Side) -> None:
    images = render_all([leaf, core])

    assert list(images) == list(FIGURES)
    assert all(image.startswith(b"\x89PNG") for image in images.values())
    assert plt.get_fignums() == []


class _Read(HTMLParser):
    """What a page would fetch, and which of its tags are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _page(*sides: Side) -> comparison_report.Page:
    return comparison_report.Page(
        name="leaf_versus_mirrormaker",
        sides=sides,
        failures=(Failure("kafka-direct", "ended by signal 9; its log ends: <b>x</b>"),),
        differences=comparison_tables.differences({"a": {"seed": "1"}, "b": {"seed": "2"}}),
        asked=(("load", "100 messages per second"),),
        folders={one.label: f"run-of-{one.label}" for one in sides},
        command="edgelab run leaf_versus_mirrormaker",
    )


def test_the_page_is_one_file_that_needs_nothing_else(leaf: Side, core: Side) -> None:
    page = _page(leaf, core)
    html = comparison_report.html(page, render_all(page.sides))

    read = _Read()
    read.feed(html)
    assert read.open == []
    assert len(read.links) == 4
    assert all(link.startswith("data:image/png;base64,iVBOR") for link in read.links)
    assert "http" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert f"{core.result['ledger']['lost']:,}" in html
    assert "run-of-nats-leaf-core" in html


def test_the_note_holds_the_table_and_who_failed(leaf: Side, core: Side) -> None:
    note = comparison_report.markdown(_page(leaf, core))

    assert f"| lost | 0 | {core.result['ledger']['lost']:,} | — |" in note
    assert "No result of kafka-direct: ended by signal 9" in note


def _with(one: Side, **changes: Any) -> Side:
    fields = {name: getattr(one, name) for name in ("label", "result", "places", "rate_hz", "backlog")}
    return Side(**{**fields, **changes})
