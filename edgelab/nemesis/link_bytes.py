"""What crossed each link, from Toxiproxy's own counters.

Toxiproxy counts a connection's bytes when the connection ends, and only then. Counted here is what each end put onto
the link: what a silent outage swallowed is in it. The other counter, of what was handed on, is of no use: it leaves
out every connection whose last write failed, as happens to busy ones when a proxy is disabled.

Two things are not in the counters: a connection whose reading half is still held up by a stall when it dies is
counted once the stall ends; and one whose receiver vanished with data on the way (a broker killed under load) may
never be. Probes are in it: about 500 bytes each with NATS (``Injector.probe_bytes``).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import NamedTuple

from ..clock import Clock
from ..deploy.base import Deployment
from ..errors import FaultError
from ..model.topology import PROXY, PROXY_API, Link
from .client import BoundConsumer
from .fanout import Fanout, Request

_SETTLE_S = 2.0
_POLL_S = 0.05
_CALL_S = 10.0
_SAMPLE = re.compile(r"^toxiproxy_proxy_received_bytes_total\{(?P<labels>[^}]*)\} (?P<value>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_SS = ("ss", "-tinHO")


class LinkBytes(NamedTuple):
    """Bytes put onto one link: by the site (up) and by the hub (down)."""

    up: int
    down: int


def read(deployment: Deployment) -> dict[str, LinkBytes]:
    """What ended connections carried, by link.

    Raises:
        FaultError: Toxiproxy does not answer, or was started without its metrics.
    """
    consumer = BoundConsumer(deployment.address(PROXY, PROXY_API), timeout_s=_CALL_S)
    try:
        return parse(consumer.get("/metrics").text, deployment.topology.links)
    finally:
        consumer.close()


def final(deployment: Deployment) -> dict[str, LinkBytes]:
    """Everything that the links carried in this run. Closes every connection through them, and keeps them closed.

    Raises:
        FaultError: Toxiproxy does not answer, or was started without its metrics.
    """
    fanout = Fanout(deployment.address(PROXY, PROXY_API), Clock.start())
    requests = [Request("POST", f"/proxies/{link.name}", {"enabled": False}) for link in deployment.topology.links]
    for request, answer in zip(requests, fanout.send(requests, deadline_s=_CALL_S), strict=True):
        if not answer.ok:
            raise FaultError(f"Toxiproxy: {request.method} {request.path}: status {answer.status}: {answer.text}")
    deadline = time.monotonic() + _SETTLE_S
    latest = read(deployment)
    while time.monotonic() < deadline:
        time.sleep(_POLL_S)
        before, latest = latest, read(deployment)
        if latest == before:
            break
    return latest


def live(deployment: Deployment) -> dict[str, LinkBytes] | None:
    """What the links carried up to now, connections still open included; None where the kernel cannot be asked.

    It can on Linux with the process runtime: it counts what each end has put on the proxy's own sockets. What a
    stall holds back in the proxy counts as carried; a connection that closes at this moment may count twice, or not.

    Raises:
        FaultError: Toxiproxy does not answer, or was started without its metrics.
    """
    program = shutil.which(_SS[0])
    if deployment.runtime != "process" or program is None:
        return None
    try:
        lines = subprocess.run([program, *_SS[1:]], capture_output=True, text=True, timeout=_CALL_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    ended, links = read(deployment), deployment.topology.links
    ports = {deployment.address(PROXY, link.listen_port).port: link for link in links}
    for port, received, sent in open_connections(lines):
        if (link := ports.get(port)) is not None:
            now, so_far = _by_way(link, received, sent), ended[link.name]
            ended[link.name] = LinkBytes(so_far.up + now.up, so_far.down + now.down)
    return ended


def open_connections(lines: str) -> Iterator[tuple[int, int, int]]:
    """Local port, bytes received and bytes sent (once) of each socket that ``ss -tinHO`` shows. Pure."""
    for line in lines.splitlines():
        words = line.split()
        counted = dict(word.split(":", 1) for word in words[5:] if word.startswith("bytes_"))
        if counted and (port := words[3].rpartition(":")[2]).isdigit():
            # Not bytes_acked: an acknowledgement may be late by 40 ms.
            sent = int(counted.get("bytes_sent", 0)) - int(counted.get("bytes_retrans", 0))
            yield int(port), int(counted.get("bytes_received", 0)), sent


def parse(metrics: str, links: tuple[Link, ...]) -> dict[str, LinkBytes]:
    """The counters in Toxiproxy's metrics, by link. Pure."""
    found = dict.fromkeys(((link.name, way) for link in links for way in ("upstream", "downstream")), 0)
    for sample in _SAMPLE.finditer(metrics):
        labels = dict(_LABEL.findall(sample["labels"]))
        key = (labels.get("proxy", ""), labels.get("direction", ""))
        if key in found:
            found[key] += int(float(sample["value"]))
    return {link.name: _by_way(link, found[link.name, "upstream"], found[link.name, "downstream"]) for link in links}


def _by_way(link: Link, upstream: int, downstream: int) -> LinkBytes:
    """Toxiproxy's upstream runs from who dials to who is dialed."""
    return LinkBytes(upstream, downstream) if link.dialed_by == "site" else LinkBytes(downstream, upstream)
