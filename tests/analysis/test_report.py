from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from edgelab.analysis import report
from edgelab.analysis.checks import Judgement, judge, no_loss, syncs_within
from edgelab.analysis.fault_words import meaning
from edgelab.analysis.results import Results, analyse
from edgelab.analysis.synthetic import Behaviour, outage_run
from edgelab.analysis.testing import Story, no_buffer, no_causes
from edgelab.model.topology import site_names

_PIXEL = b"\x89PNG\r\n"


class _Text(HTMLParser):
    """The text of a page, and everything it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in {"meta", "img", "br", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def _read(html: str) -> _Text:
    page = _Text()
    page.feed(html)
    return page


def _judged(results: Results) -> Judgement:
    return judge(results, (no_loss(), syncs_within(20.0)))


def _words(results: Results, **how: Any) -> str:
    html = report.render(results, _judged(results), images={"backlog": _PIXEL}, **how)
    return re.sub(r"\s+", " ", " ".join(_read(html).words))


@pytest.fixture(scope="module")
def lossy() -> Results:
    return analyse(outage_run(rate_hz=50.0, behaviour=Behaviour(buffers=False)), no_buffer)


def test_the_report_holds_the_figures_of_the_result(lossy: Results) -> None:
    words = _words(lossy)

    counts = lossy.counts
    for figure in (counts.attempted, counts.delivered, counts.lost):
        assert f"{figure:,}" in words
    assert f"no buffer on core NATS {counts.lost:,}" in words
    assert "nats-server 2.10.12" in words
    assert "edgelab run nats_leaf_outage --set sites=3" in words
    assert "50 messages per second of 1,000 bytes at each site" in words
    assert "The drain ended at 62.0 s: everything acknowledged is at the hub." in words


def test_every_check_is_there_with_its_verdict_and_reason(lossy: Results) -> None:
    words = _words(lossy)

    for check in _judged(lossy).checks:
        assert f"{check.name} {check.verdict} {check.why}" in words


def test_faults_are_shown_as_planned_and_as_measured_and_explained(lossy: Results) -> None:
    words = _words(lossy)

    assert "1. Outage cut 3 targets 15.000 to 45.000 s 15.0" in words
    assert "Outage cut stands for a router or proxy that restarts" in words


def test_every_site_has_its_recovery(lossy: Results) -> None:
    words = _words(lossy)

    for row in lossy.windows.to_dict("records"):
        assert re.search(rf"{row['site']} 1\. cut 2\.00 ms \S+ ms \S+ ms — {row['lost']:,}", words)


def test_it_is_one_file_that_needs_nothing_else(lossy: Results) -> None:
    html = report.render(lossy, _judged(lossy))

    page = _read(html)
    assert len(page.links) == 4
    assert all(link.startswith("data:image/png;base64,iVBOR") for link in page.links)
    assert page.open == []
    assert "http" not in html
    assert "@import" not in html
    assert "prefers-color-scheme: dark" in html
    assert "<script" not in html


def test_text_from_brokers_cannot_become_markup() -> None:
    results = analyse(
        outage_run(rate_hz=20.0, behaviour=Behaviour(buffers=False)),
        lambda lost, _: lost["site"].astype(object).map(lambda _site: "<b>reason</b>"),
    )

    html = report.render(results, _judged(results), images={})

    assert "<b>reason</b>" not in html
    assert "&lt;b&gt;reason&lt;/b&gt;" in html


def test_a_run_in_which_nothing_happened_has_a_report() -> None:
    words = _words(analyse(Story().facts(), no_causes))

    assert "No fault was applied." in words
    assert "nothing was published" in words


def test_a_fleet_of_sites_does_not_make_a_table_of_hundreds() -> None:
    results = analyse(outage_run(sites=40, rate_hz=2.0), no_causes)

    assert "The slowest 24 of 40 are shown" in _words(results)


def test_who_was_connected_to_whom_is_told_once_for_all_sites() -> None:
    census = tuple((site, "toxiproxy", f"link-{site}") for site in site_names(12))

    words = _words(analyse(replace(outage_run(sites=12, rate_hz=2.0), census=census), no_causes))

    assert "Who was connected to whom" in words
    assert "SITE toxiproxy link-SITE 12" in words


def test_nested_facts_of_the_host_are_flattened(lossy: Results) -> None:
    assert "kernel Linux 6.1" in _words(lossy)


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("Outage", "stall", "radio gap"),
        ("Outage", "silent (up)", "NAT"),
        ("Partition", "cut", "on all the links"),
        ("Latency", "300 ms", "later"),
        ("Throttle", "64 kbit/s", "rate"),
        ("Kill", "", "crash"),
        ("Pause", "", "hangs"),
        ("Eclipse", "total", ""),
    ],
)
def test_each_fault_is_explained_in_plain_words(fault: str, kind: str, words: str) -> None:
    assert words in meaning(fault, kind)
    assert bool(meaning(fault, kind)) is bool(words)
