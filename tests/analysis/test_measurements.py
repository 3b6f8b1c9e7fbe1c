from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from edgelab.analysis.measurements import lateness_s
from edgelab.analysis.results import analyse
from edgelab.analysis.synthetic import Behaviour, outage_run
from edgelab.analysis.testing import Story, at, no_buffer, no_causes
from edgelab.model.workload import Load, Workload


def test_latency_counts_from_when_a_message_was_due_not_from_when_it_left() -> None:
    story = Story()
    story.sent(0, 3.0, due_s=1.0)
    story.at_hub(0, 3.5, position=1)

    latency = analyse(story.facts(), no_causes).latency

    assert latency.loc[["before"], ["n", "p50_s", "max_s"]].to_numpy().tolist()[0] == [1, 2.5, 2.5]


def test_latency_is_told_apart_by_when_a_message_was_sent() -> None:
    story = Story()
    story.fault(10.0, 20.0)
    for sequence, (sent_s, stored_s) in enumerate(((5.0, 5.1), (15.0, 21.0), (25.0, 25.2), (26.0, 26.4))):
        story.sent(sequence, sent_s)
        story.at_hub(sequence, stored_s, position=sequence + 1)

    latency = analyse(story.facts(), no_causes).latency

    assert latency["n"].tolist() == [1, 1, 2]
    assert latency["max_s"].tolist() == pytest.approx([0.1, 6.0, 0.4])
    assert latency["p50_s"].tolist() == pytest.approx([0.1, 6.0, 0.2])


def test_quantiles_are_of_the_full_sample() -> None:
    story = Story()
    for sequence in range(100):
        story.sent(sequence, 1.0)
        story.at_hub(sequence, 1.0 + (sequence + 1) / 100, position=sequence + 1)

    before = analyse(story.facts(), no_causes).latency.loc[["before"]]

    assert before[["p50_s", "p95_s", "p99_s", "max_s"]].to_numpy().tolist()[0] == pytest.approx([0.5, 0.95, 0.99, 1.0])


def test_impossible_latencies_are_kept_and_counted() -> None:
    story = Story()
    for sequence, stored_s in enumerate((0.999, 0.9, 1.1)):
        story.sent(sequence, 1.0)
        story.at_hub(sequence, stored_s, position=sequence + 1)

    before = analyse(story.facts(), no_causes).latency.loc[["before"]]

    assert before[["n", "negative", "backwards"]].to_numpy().tolist()[0] == [3, 2, 1]


def test_a_phase_without_messages_has_no_latency() -> None:
    latency = analyse(Story().facts(), no_causes).latency

    assert latency["n"].tolist() == [0, 0, 0]
    assert latency["p99_s"].isna().all()


def test_lateness_is_a_quantile_of_all_messages() -> None:
    story = Story()
    for sequence in range(10):
        story.sent(sequence, 1.0 + sequence, due_s=0.9 + sequence if sequence == 4 else 1.0 + sequence)

    ledger = analyse(story.facts(), no_causes).ledger

    assert lateness_s(ledger, quantile=1.0) == pytest.approx(0.1)
    assert lateness_s(ledger, quantile=0.5) == 0.0


def test_the_backlog_is_what_was_published_and_will_arrive_but_has_not() -> None:
    story = Story()
    story.sent(0, 1.0)
    story.at_hub(0, 4.0, position=1)
    story.sent(1, 2.0)  # lost
    story.sent(2, 3.0)
    story.at_site(2)  # stranded: it waits for ever

    backlog = analyse(story.facts(), no_causes).backlog.set_index("t_s")

    seen = backlog.loc[[0.5, 1.5, 2.5, 3.5, 4.5]][["published", "stored", "lost", "backlog"]]
    assert seen.to_numpy().tolist() == [[0, 0, 0, 0], [1, 0, 0, 1], [2, 0, 1, 1], [3, 0, 1, 2], [3, 1, 1, 1]]


def test_the_backlog_has_every_site_and_ends_with_the_drain() -> None:
    results = analyse(outage_run(sites=3, rate_hz=20.0), no_causes)

    backlog = results.backlog

    assert len(set(backlog["site"].value_counts())) == 1
    assert (backlog.groupby("site", observed=True)["backlog"].last() == 0).all()
    assert backlog["t_s"].max() >= results.facts.seconds(results.facts.drain_end_ns)
    assert np.diff(backlog.loc[backlog["site"] == "site-1", "t_s"]) == pytest.approx(0.1)


def test_a_run_of_days_is_stepped_more_coarsely() -> None:
    story = Story()
    facts = story.facts(drain_end_ns=at(200_000.0), workload=Workload(duration_s=100_000.0, load=Load(rate_hz=1.0)))

    assert len(analyse(facts, no_causes).backlog) <= 5_002


def test_footprint_tells_idle_from_loaded_and_survives_a_restart() -> None:
    usage = pd.DataFrame(
        [(at(t), "hub", rss, cpu) for t, rss, cpu in (
            (-4.0, 10, 0.0), (-2.0, 20, 0.2), (0.0, 20, 0.4), (10.0, 90, 8.4), (20.0, 40, 1.0), (40.0, 40, 3.0),
        )],
        columns=["t_ns", "service", "rss_bytes", "cpu_s"],
    )  # fmt: skip
    facts = Story().facts(usage=usage, publish_end_ns=at(40.0))

    hub = analyse(facts, no_causes).footprint.loc["hub"]

    assert (hub["rss_peak_bytes"], hub["rss_mean_bytes"]) == (90, pytest.approx(220 / 6))
    assert hub["cpu_idle_ratio"] == pytest.approx(0.1)
    assert hub["cpu_loaded_ratio"] == pytest.approx((8.0 + 2.0) / 40.0)


def test_one_reading_is_no_processor_time() -> None:
    usage = pd.DataFrame({"t_ns": [at(1.0)], "service": ["hub"], "rss_bytes": [5], "cpu_s": [1.0]})

    hub = analyse(Story().facts(usage=usage), no_causes).footprint.loc["hub"]

    assert hub[["cpu_idle_ratio", "cpu_loaded_ratio"]].isna().all()


def test_lost_messages_are_no_backlog_in_a_run_without_buffer() -> None:
    results = analyse(outage_run(behaviour=Behaviour(buffers=False), rate_hz=100.0), no_buffer)

    assert results.backlog["backlog"].max() < 20
