import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import toxiproxy

from edgelab.clock import Clock
from edgelab.deploy.base import Address
from edgelab.errors import FaultError
from edgelab.model.topology import PROXY, PROXY_API, Link
from edgelab.nemesis.client import BoundConsumer, connect
from edgelab.nemesis.fanout import Fanout, Request
from edgelab.nemesis.toxiproxy import LinkPlane


@pytest.mark.process
def test_two_labs_in_one_process_each_have_their_own_address(make_bench: Callable[..., Any]) -> None:
    benches = make_bench(1), make_bench(2)
    shared = toxiproxy.api.APIConsumer.host, toxiproxy.api.APIConsumer.port
    consumers = [BoundConsumer(b.address(PROXY, PROXY_API)) for b in benches]
    servers = [connect(c) for c in consumers]

    found = [sorted(server.proxies()) for server in servers]
    servers[1].get_proxy("site-2").disable()

    assert found == [["site-1"], ["site-1", "site-2"]]
    assert servers[0].get_proxy("site-1").enabled
    assert [p.enabled for p in servers[1].proxies().values()].count(False) == 1
    assert isinstance(servers[0], toxiproxy.Toxiproxy)
    assert (toxiproxy.api.APIConsumer.host, toxiproxy.api.APIConsumer.port) == shared
    for consumer in consumers:
        consumer.close()


@pytest.mark.process
def test_errors_that_the_library_swallows_are_raised(bench: Any) -> None:
    consumer = BoundConsumer(bench.address(PROXY, PROXY_API))
    server = connect(consumer)
    used = bench.address(PROXY, "link-site-1")

    with pytest.raises(FaultError, match=r"status 500.*in use"):
        server.create(upstream="127.0.0.1:9", name="second", listen=str(used))
    with pytest.raises(FaultError, match="not found"):
        server.get_proxy("site-1").destroy_toxic("none")
    consumer.close()


def test_a_call_to_a_server_that_never_answers_comes_to_an_end(deaf: Address) -> None:
    consumer = BoundConsumer(deaf, timeout_s=0.2)
    began = time.monotonic()

    with pytest.raises(FaultError, match=r"no answer within 0\.2 s") as caught:
        connect(consumer).proxies()

    assert caught.value.__cause__ is not None
    assert time.monotonic() - began < 5
    consumer.close()


def test_a_plane_whose_server_never_answers_fails_in_words(deaf: Address, clock: Clock) -> None:
    plane = LinkPlane(deaf, [Link(name="s", site="s", service="hub", port="leaf")], clock, timeout_s=0.2)
    began = time.monotonic()

    with pytest.raises(FaultError, match="no answer"):
        plane.check()
    with pytest.raises(FaultError, match="no answer"):
        plane.heal()

    assert time.monotonic() - began < 5
    plane.close()


def test_requests_that_are_never_answered_are_given_up_together(deaf: Address, clock: Clock) -> None:
    fanout = Fanout(deaf, clock)
    fanout.open(20)
    began = time.monotonic()

    answers = fanout.send([Request("GET", f"/{i}") for i in range(50)], deadline_s=0.3)

    assert time.monotonic() - began < 5
    assert {a.status for a in answers} == {0}
    assert {a.text for a in answers} == {"no answer in time"}


def test_a_server_that_dribbles_does_not_hold_the_lab_up(clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def dribble() -> None:
            connection, _ = listener.accept()
            with connection:
                while not stop.wait(0.05):
                    connection.sendall(b"H")

        thread = threading.Thread(target=dribble, daemon=True)
        thread.start()
        began = time.monotonic()

        (answer,) = Fanout(Address(*listener.getsockname()), clock).send([Request("GET", "/")], deadline_s=0.5)

        assert time.monotonic() - began < 5
        assert answer.status == 0
        stop.set()
        thread.join()


def test_nobody_listening_is_an_answer_too(clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Address(*listener.getsockname())

    (answer,) = Fanout(address, clock).send([Request("GET", "/")], deadline_s=1)

    assert answer.status == 0
    assert "refused" in answer.text
