"""What runs with Kafka's program: real brokers, and supervised services that a shell plays."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from edgelab.deploy import ready
from edgelab.deploy.base import Deployment, Runtime
from edgelab.deploy.choose import runtime as choose
from edgelab.deploy.process import ProcessRuntime
from edgelab.errors import SystemUnderTestError
from edgelab.model import topology as t

RUN = "edgelab-test-kafka"
FAILS_TWICE = 'echo once >> "@{data}/starts"; [ "$(grep -c once @{data}/starts)" -gt 2 ] || exit 7; exec sleep 60\n'


@pytest.fixture(
    params=[
        pytest.param("process", marks=pytest.mark.process),
        pytest.param("compose", marks=pytest.mark.docker),
    ]
)
def runtime(request: pytest.FixtureRequest) -> Runtime:
    return choose(request.param)


def versions_spoken(address: tuple[str, int]) -> bytes:
    """What whoever listens there answers to a request for the versions of Kafka's protocol that it speaks."""
    request = bytes.fromhex("0012 0000 00000001 ffff".replace(" ", ""))
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(len(request).to_bytes(4, "big") + request)
        return connection.recv(8)


def supervised() -> t.Topology:
    mirror = t.Service(
        name="mirror-site-1",
        role="mirror",
        site="site-1",
        program="kafka",
        version="4.3.1",
        arguments=("@{file:start.sh}",),
        files=(t.ConfigFile(name="start.sh", text=FAILS_TWICE),),
        networks=(t.site_network("site-1"),),
        keeps_data=True,
        supervised=True,
    )
    return t.assemble("supervised", sites=["site-1"], services=[mirror], links=[])


def starts(lab: Deployment) -> int:
    file = lab.folder / "data" / "mirror-site-1" / "starts"
    return len(file.read_text().splitlines()) if file.exists() else 0


def test_a_broker_comes_up_and_speaks(runtime: Runtime, broker: Callable[..., t.Topology], run_folder: Path) -> None:
    lab = runtime.up(broker(), run_folder, run_id=RUN)
    try:
        answer = versions_spoken(lab.address("hub", "lab"))
        digests = lab.digests()
    finally:
        lab.down()

    assert answer[4:8] == (1).to_bytes(4, "big")
    assert digests["kafka:4.3.1"].startswith("sha256:")
    log = lab.collect_logs()["hub"] if runtime.name == "process" else lab.folder / "logs" / "hub.log"
    assert "Kafka Server started" in log.read_text()  # that is: it has what it takes to log at all


@pytest.mark.process
def test_a_heap_too_small_to_start_is_shown_in_javas_own_words(
    broker: Callable[..., t.Topology], run_folder: Path
) -> None:
    with pytest.raises(SystemUnderTestError, match=r"hub ended with status \d+; its log ends:\n(.*\n)*.*(heap|Heap)"):
        ProcessRuntime().up(broker(heap="-Xmx6m"), run_folder, run_id=RUN)


def test_what_is_supervised_comes_back_by_itself_but_not_when_it_was_killed(runtime: Runtime, run_folder: Path) -> None:
    lab = runtime.up(supervised(), run_folder, run_id=RUN)
    try:
        ready.until(lambda: starts(lab) == 3, deadline_s=20, what="the third start")
        lab.assert_alive()
        lab.kill("mirror-site-1")
        with pytest.raises(Exception, match="waited"):
            ready.until(lambda: "mirror-site-1" in lab.usage() or starts(lab) > 3, deadline_s=2, what="a fourth start")
        lab.start("mirror-site-1")
        ready.until(lambda: starts(lab) == 4, deadline_s=10, what="the fourth start")
        log = lab.collect_logs()["mirror-site-1"].read_text()
    finally:
        lab.down()

    assert log == "edgelab: ended with status 7, started again\n" * 2
