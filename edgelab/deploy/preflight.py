"""Asking brokers what they think of their configuration before anything is started."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ..errors import CommandError, SpecError
from ..model.topology import Service
from .toolchain import run

_AT_ONCE = 4
_TIMEOUT_S = 30.0


def check_configs(commands: Iterable[tuple[Service, Sequence[str]]]) -> None:
    """Let every nats-server check its configuration file.

    A refusal is the user's: what a system writes itself is right, lines and files that users add may not be.

    Raises:
        SpecError: one was refused; the message is the server's own.
    """
    checked = [(service, argv) for service, argv in commands if service.program == "nats-server"]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for problem in pool.map(lambda item: _problem(*item), checked):
            if problem is not None:
                raise SpecError(problem)


def _problem(service: Service, argv: Sequence[str]) -> str | None:
    program, *arguments = argv
    try:
        run([program, "-t", *arguments], timeout_s=_TIMEOUT_S)
    except CommandError as error:
        words = error.stderr.strip().removeprefix("nats-server: ") or str(error)
        return f"configuration of {service.name} was refused by nats-server {service.version}: {words}"
    return None
