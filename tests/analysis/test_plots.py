from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edgelab.analysis.plots import FIGURES, plot_backlog, plot_losses, plot_recovery, plot_stored, save_all
from edgelab.analysis.results import Results, analyse
from edgelab.analysis.synthetic import Behaviour, outage_run
from edgelab.analysis.testing import Story, no_buffer, no_causes
from edgelab.analysis.verdict import Verdict


@pytest.fixture
def ax() -> Axes:
    return Figure(figsize=(8, 3.5)).subplots()


@pytest.fixture(autouse=True)
def _no_figures_left() -> Iterator[None]:
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def buffered() -> Results:
    return analyse(outage_run(rate_hz=50.0, behaviour=Behaviour(resume_s=14.0)), no_causes)


@pytest.fixture(scope="module")
def lossy() -> Results:
    return analyse(outage_run(rate_hz=50.0, behaviour=Behaviour(buffers=False)), no_buffer)


@pytest.fixture(scope="module")
def fleet() -> Results:
    return analyse(outage_run(sites=12, rate_hz=5.0), no_causes)


def _texts(ax: Axes) -> str:
    return "\n".join(text.get_text() for text in ax.texts)


def _legend(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_every_figure_says_what_was_run_and_the_verdict(draw: Callable[..., Axes], buffered: Results, ax: Axes) -> None:
    drawn = draw(buffered, verdict=Verdict.FAIL, ax=ax)

    assert drawn is ax
    assert ax.get_title(loc="left")
    assert "nats-leaf · nats-server 2.10.12 · 3 sites" in _texts(ax)
    assert "verdict: fail" in _texts(ax)
    assert ax.get_xlabel()


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_without_axes_a_figure_of_report_size_is_made(draw: Callable[..., Axes], buffered: Results) -> None:
    drawn = draw(buffered)

    assert plt.get_fignums()
    assert tuple(drawn.get_figure(root=True).get_size_inches()) == (8.0, 3.5)  # type: ignore[union-attr]


@pytest.mark.parametrize("draw", [plot_stored, plot_backlog, plot_losses])
def test_faults_are_shaded_as_measured_not_as_planned(draw: Callable[..., Axes], buffered: Results, ax: Axes) -> None:
    draw(buffered, ax=ax)

    (shade,) = [patch for patch in ax.patches if patch.get_gid() == "fault-0"]
    box = shade.get_window_extent().transformed(ax.transData.inverted())
    windows = buffered.windows
    assert (box.x0, box.x1) == pytest.approx((windows["start_s"].min(), windows["end_s"].max()))
    assert box.x0 > windows["planned_start_s"].min()
    assert "cut" in _texts(ax).splitlines()


def test_published_and_stored_are_the_sums_of_all_sites(buffered: Results, ax: Axes) -> None:
    plot_stored(buffered, ax=ax)

    published, stored = (np.asarray(line.get_ydata()) for line in ax.lines[:2])
    assert published[-1] == stored[-1] == buffered.counts.attempted
    assert (published >= stored).all()
    assert _legend(ax) == ["published at the sites", "stored at the hub"]
    assert ax.get_ylabel() == "messages, all sites"


def test_the_gap_that_stays_is_named(lossy: Results, ax: Axes) -> None:
    plot_stored(lossy, ax=ax)

    assert f"{lossy.counts.lost:,} lost" in _texts(ax)


def test_the_backlog_has_a_line_for_each_site_and_marks_the_slowest_sync(buffered: Results, ax: Axes) -> None:
    plot_backlog(buffered, ax=ax)

    assert _legend(ax) == ["site-1", "site-2", "site-3"]
    slowest = buffered.windows.sort_values("sync_s").iloc[-1]
    (marker,) = [line for line in ax.lines if line.get_marker() == "o"]
    assert np.asarray(marker.get_xdata())[0] == pytest.approx(slowest["end_s"] + slowest["sync_s"])
    assert f"{slowest['site']} synced" in _texts(ax)
    peak = max(np.asarray(line.get_ydata()).max() for line in ax.lines[:3])
    assert peak == buffered.backlog["backlog"].max()


def test_syncs_of_many_windows_are_named_without_words_on_top_of_each_other(ax: Axes) -> None:
    story = Story()
    for window in range(5):
        story.fault(4.0 + 10 * window, 5.0 + 10 * window)
        story.sent(window, 4.5 + 10 * window)
        story.at_hub(window, 5.5 + 10 * window + window / 10, position=window + 1)

    plot_backlog(analyse(story.facts(), no_causes), ax=ax)

    assert ax.figure is not None
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]  # it is a Figure
    boxes = [text.get_window_extent() for text in ax.texts if "synced" in text.get_text()]
    assert boxes
    assert "900 ms" in _texts(ax)
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def test_the_backlog_of_a_fleet_is_its_quantiles_and_the_slowest(fleet: Results, ax: Axes) -> None:
    plot_backlog(fleet, ax=ax)

    slowest = fleet.windows.sort_values("sync_s")["site"].iloc[-1]
    assert _legend(ax) == ["5 % to 95 % of sites", "median site", f"slowest: {slowest}"]


def test_a_flat_backlog_is_not_read_as_success(lossy: Results, ax: Axes) -> None:
    plot_backlog(lossy, ax=ax)

    assert f"{lossy.counts.lost:,} messages lost: they do not wait" in _texts(ax)
    assert ax.get_ylim()[1] > 40  # a handful of messages under way must not fill the figure


def test_losses_are_stacked_per_second_by_cause(lossy: Results, ax: Axes) -> None:
    plot_losses(lossy, ax=ax)

    assert _legend(ax) == ["published", f"no buffer on core NATS ({lossy.counts.lost:,})"]
    bars = ax.containers[0].patches  # type: ignore[attr-defined]
    assert sum(bar.get_height() * bar.get_width() for bar in bars) == pytest.approx(lossy.counts.lost)
    assert ax.get_ylabel() == "messages per second, all sites"


def test_unexplained_losses_stand_out(ax: Axes) -> None:
    results = analyse(outage_run(rate_hz=20.0, behaviour=Behaviour(buffers=False)), no_causes)

    plot_losses(results, ax=ax)

    assert {bar.get_hatch() for bar in ax.containers[0].patches} == {"///"}  # type: ignore[attr-defined]


def test_long_names_of_causes_leave_the_figure_its_width() -> None:
    cause = "no buffer on core NATS: sent into a link that carried nothing, as far as the logs of both ends can tell"
    facts = outage_run(rate_hz=20.0, behaviour=Behaviour(buffers=False))
    results = analyse(facts, lambda lost, _: (lost["sequence"] % 3).map(lambda n: f"{n} {cause}"))
    figure = Figure(figsize=(8, 3.5), layout="constrained")

    drawn = plot_losses(results, ax=figure.subplots())
    figure.draw_without_rendering()

    assert drawn.get_position().width > 0.7
    assert drawn.get_position().height > 0.35


def test_no_loss_is_said(buffered: Results, ax: Axes) -> None:
    plot_losses(buffered, ax=ax)

    assert "no message was lost" in _texts(ax)


def test_recovery_is_one_bar_per_site_from_detection_to_sync(buffered: Results, ax: Axes) -> None:
    plot_recovery(buffered, ax=ax)

    detect, reconnect, resume, sync = (container.patches for container in ax.containers)  # type: ignore[attr-defined]
    rows = buffered.windows.iloc[::-1].reset_index(drop=True)
    for i, row in rows.iterrows():
        assert -detect[i].get_width() == pytest.approx(row["detect_s"])
        assert reconnect[i].get_width() == pytest.approx(row["reconnect_s"])
        assert resume[i].get_x() + resume[i].get_width() == pytest.approx(row["resume_s"])
        assert sync[i].get_x() + sync[i].get_width() == pytest.approx(row["sync_s"])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["site-3", "site-2", "site-1"]


def test_a_recovery_without_sync_says_so(lossy: Results, ax: Axes) -> None:
    plot_recovery(lossy, ax=ax)

    assert "no sync, 1," in _texts(ax)


def test_a_fleets_recovery_is_sorted_and_names_its_extremes(fleet: Results, ax: Axes) -> None:
    plot_recovery(fleet, ax=ax)

    ordered = fleet.windows.sort_values("sync_s")["site"].tolist()
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert (labels[0], labels[-1]) == (ordered[0], ordered[-1])
    assert len(labels) == 3


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_run_without_faults_or_messages_can_be_drawn(draw: Callable[..., Axes], ax: Axes) -> None:
    draw(analyse(Story().facts(), no_causes), verdict=Verdict.UNKNOWN, ax=ax)

    ax.get_figure(root=True).canvas.draw()  # type: ignore[union-attr]


def test_many_windows_are_shaded_without_labels_on_top_of_each_other(ax: Axes) -> None:
    story = Story()
    for i in range(20):
        story.fault(2.0 * i, 2.0 * i + 1.0)

    plot_stored(analyse(story.facts(), no_causes), ax=ax)

    assert len([p for p in ax.patches if str(p.get_gid()).startswith("fault-")]) == 20
    assert "cut" not in _texts(ax)


def test_all_figures_are_written_as_png_without_touching_pyplot(buffered: Results, tmp_path: Path) -> None:
    paths = save_all(buffered, tmp_path, verdict=Verdict.PASS)

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{name}.png" for name in FIGURES)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths.values())
    assert plt.get_fignums() == []
