"""The Docker engine, and its troubles in this project's words. No call may hang."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import requests
from docker.errors import DockerException

from ..errors import LabError, RuntimeMissing

_TIMEOUT_S = 30.0
_PING_TIMEOUT_S = 3.0
_CONNECTIONS = 16
_DEFAULT_HOST = "unix:///var/run/docker.sock"


def connect(*, timeout_s: float = _TIMEOUT_S) -> docker.DockerClient:
    """A client of the engine that ``DOCKER_HOST`` or the default socket names.

    Raises:
        RuntimeMissing: no engine answers; the message says how to mend it.
    """
    client = None
    try:
        _knock()
        client = docker.from_env(timeout=int(timeout_s), max_pool_size=_CONNECTIONS, version="auto")
        client.ping()
    except (DockerException, requests.RequestException, OSError) as error:
        if client is not None:
            client.close()
        raise RuntimeMissing(
            f"no Docker engine answers at {host()} ({error}); start Docker (or set DOCKER_HOST), or use --runtime "
            "process. On Debian, as root, `python -m edgelab.deploy.engine` installs and starts one"
        ) from error
    return client


def host() -> str:
    """Address of the engine. Compose is told it too: it would follow Docker's contexts, which the SDK does not."""
    return os.environ.get("DOCKER_HOST") or _DEFAULT_HOST


def answers() -> bool:
    """Whether an engine answers within a few seconds."""
    try:
        connect(timeout_s=_PING_TIMEOUT_S).close()
    except RuntimeMissing:
        return False
    return True


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Errors of the engine and of the way to it, as :class:`LabError` that says what was being done."""
    try:
        yield
    except (DockerException, requests.RequestException) as error:
        raise LabError(f"Docker could not {what}: {error}") from error


def _knock() -> None:
    # docker-py leaves its socket open where nobody listens, and Python warns of that later, elsewhere.
    if host().startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as knock:
            knock.settimeout(_PING_TIMEOUT_S)
            knock.connect(host().removeprefix("unix://"))
