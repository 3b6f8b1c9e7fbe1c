import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from edgelab.deploy import ports as ports_
from edgelab.deploy.ports import FIRST_PORT, LAST_PORT, Ports
from edgelab.errors import LabError


@contextmanager
def listening(host: str = "127.0.0.1") -> Iterator[int]:
    lease = Ports()
    try:
        with socket.socket() as server:
            port = lease.take()
            server.bind((host, port))
            server.listen()
            yield port
    finally:
        lease.release()


def test_ports_lie_below_those_of_outgoing_connections() -> None:
    ports = Ports()

    taken = [ports.take() for _ in range(50)]

    assert len(set(taken)) == 50
    assert all(FIRST_PORT <= port <= LAST_PORT < 32768 for port in taken)
    ports.release()


def test_two_labs_of_one_process_never_share_a_port() -> None:
    first, second = Ports(), Ports()

    taken = [lab.take() for _ in range(60) for lab in (first, second)]

    assert len(set(taken)) == 120
    first.release()
    second.release()


def test_a_lab_in_another_process_stays_out_of_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys; from edgelab.deploy.ports import Ports; p = Ports(); p._blocks = [20000];"
        "print(p.take(), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        theirs = int(other.stdout.readline())
        mine = Ports()
        monkeypatch.setattr(mine, "_blocks", [20000])

        with pytest.raises(LabError, match="no free port left"):
            mine.take()
        other.communicate()

    monkeypatch.setattr(mine, "_blocks", [20000])
    assert 20000 <= mine.take() <= theirs  # given back by its end, whatever that was
    mine.release()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - a listener that the lab must notice
def test_a_port_somebody_listens_on_is_not_free(host: str) -> None:
    with listening(host) as port:
        assert not ports_.is_free(port)

    assert ports_.is_free(port)


def test_release_can_be_repeated() -> None:
    ports = Ports()
    ports.take()

    ports.release()
    ports.release()
