from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from edgelab.clock import Clock
from edgelab.model.faults import Outage
from edgelab.model.topology import PROXY, PROXY_API, Link
from edgelab.nemesis import link_bytes
from edgelab.nemesis.holds import holds_of
from edgelab.nemesis.link_bytes import LinkBytes
from edgelab.nemesis.toxiproxy import LinkPlane

METRICS = """\
# HELP toxiproxy_proxy_received_bytes_total
# TYPE toxiproxy_proxy_received_bytes_total counter
toxiproxy_proxy_received_bytes_total{direction="downstream",listener="a:1",proxy="site-1",upstream="hub:7422"} 1.5e+06
toxiproxy_proxy_received_bytes_total{direction="upstream",listener="a:1",proxy="site-1",upstream="hub:7422"} 20
toxiproxy_proxy_received_bytes_total{direction="upstream",listener="b:1",proxy="site-1",upstream="hub:7422"} 3
toxiproxy_proxy_received_bytes_total{direction="upstream",listener="a:2",proxy="other",upstream="hub:7422"} 7
toxiproxy_proxy_sent_bytes_total{direction="upstream",listener="a:1",proxy="site-1",upstream="hub:7422"} 19
"""
SOCKETS = """\
ESTAB 0 0 127.0.0.1:9001 127.0.0.1:48690 bbr bytes_sent:11 bytes_retrans:1 bytes_acked:9 bytes_received:300
ESTAB 0 0 [::1]:9002 [::1]:48691 cubic wscale:10,10 bytes_received:5
SYN-SENT 0 1 10.0.0.1:43210 10.0.0.2:443
"""


def test_counters_are_read_by_link_and_direction() -> None:
    by_site = Link(name="site-1", site="site-1", service="hub", port="leaf")
    by_hub = Link(name="site-1", site="site-1", service="site-1", port="leaf", dialed_by="hub")
    unused = Link(name="site-2", site="site-2", service="hub", port="leaf")

    assert link_bytes.parse(METRICS, (by_site, unused)) == {
        "site-1": LinkBytes(23, 1_500_000),
        "site-2": LinkBytes(0, 0),
    }
    assert link_bytes.parse(METRICS, (by_hub,)) == {"site-1": LinkBytes(1_500_000, 23)}


def test_sockets_are_read_by_local_port() -> None:
    assert list(link_bytes.open_connections(SOCKETS)) == [(9001, 300, 10), (9002, 5, 0)]


@pytest.mark.process
@pytest.mark.parametrize("dialed_by", ["site", "hub"])
def test_every_byte_of_open_and_ended_connections_is_counted(
    make_bench: Callable[..., Any], wait_for: Callable[..., None], dialed_by: str
) -> None:
    bench = make_bench(2, dialed_by=dialed_by)
    before = link_bytes.read(bench)
    sink = bench.connect("site-1", b"SINK\r\n")
    sink.sendall(bytes(1_000_000))
    wait_for(lambda: bench.hub.received == 1_000_000)
    bench.connect("site-1", b"PING\r\n").close()
    source = bench.connect("site-1", b"SOURCE 50000\r\n")
    got = 0
    while got < 50_000:
        got += len(source.recv(65536))

    live = link_bytes.live(bench)
    final = link_bytes.final(bench)

    to_far_end, from_far_end = 1_000_000 + len(b"SINK\r\nPING\r\nSOURCE 50000\r\n"), 50_000 + 3 * 607
    greetings = before["site-1"].down if dialed_by == "site" else before["site-1"].up
    expected = (to_far_end, from_far_end) if dialed_by == "site" else (from_far_end, to_far_end)
    assert _near(final["site-1"], expected, slack=greetings + 700 + 6)
    if shutil.which("ss"):
        assert live is not None
        assert _near(live["site-1"], expected, slack=greetings + 700 + 6)
    with pytest.raises(ConnectionRefusedError):
        bench.connect("site-1")


@pytest.mark.process
def test_what_a_silent_outage_swallows_was_put_onto_the_link_all_the_same(
    bench: Any, clock: Clock, wait_for: Callable[..., None]
) -> None:
    plane = LinkPlane(bench.address(PROXY, PROXY_API), bench.topology.links, clock)
    sink = bench.connect("site-1", b"SINK\r\n")
    sink.sendall(bytes(1000))
    wait_for(lambda: bench.hub.received == 1000)
    plane.switch(on=holds_of(Outage("site-1", kind="silent"), bench.topology.links[0]))
    sink.sendall(bytes(500))

    total = link_bytes.final(bench)

    assert bench.hub.received == 1000
    assert total["site-1"].up == 1500 + len(b"SINK\r\n")
    plane.close()


def _near(got: LinkBytes, expected: tuple[int, int], *, slack: int) -> bool:
    """The bench's own first connections got a greeting each, which may or may not have been read to its end."""
    return all(low <= found <= low + slack for found, low in zip(got, expected, strict=True))
