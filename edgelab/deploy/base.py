"""What a runtime is, and what it hands out: the protocols that the rest of the lab is written against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from ..model.topology import Topology

Progress = Callable[[str], None]
"""Called with one short line for a person whenever a slow step begins."""


def silent(_line: str) -> None:
    """A :data:`Progress` that says nothing."""


class Address(NamedTuple):
    """Where the lab, on the host, reaches a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a service uses at one moment.

    Attributes:
        rss_bytes: resident memory of its processes.
        cpu_s: processor time used since it started, seconds.
    """

    rss_bytes: int
    cpu_s: float


class Connection(NamedTuple):
    """Who is connected to whom: an established TCP connection between two services of a deployment.

    Attributes:
        caller: the service that opened it.
        service / port: whom it reached, and the name of that port.
    """

    caller: str
    service: str
    port: str


class Deployment(Protocol):
    """A topology that is up. All methods may be called from several threads."""

    @property
    def topology(self) -> Topology:
        """What is up."""

    @property
    def runtime(self) -> str:
        """``"process"`` or ``"compose"``."""

    @property
    def folder(self) -> Path:
        """The run folder: configurations, data and logs lie below it."""

    def address(self, service: str, port: str) -> Address:
        """Where the lab reaches a published port of a service."""

    def dial_address(self, caller: str, service: str, port: str) -> str:
        """The ``host:port`` at which ``caller`` reaches ``service``: what its configuration says."""

    def kill(self, service: str) -> None:
        """SIGKILL, at once. Its data stays."""

    def start(self, service: str) -> None:
        """Start a killed service again, with the same addresses and data."""

    def pause(self, service: str) -> None:
        """Stop its processes from running, without their knowing."""

    def resume(self, service: str) -> None:
        """Let a paused service go on."""

    def state(self, service: str) -> Literal["running", "paused", "ended"]:
        """What its process does, by the kernel or the engine: whether it serves is another question."""

    def usage(self) -> Mapping[str, Usage]:
        """Memory and processor time of each running service."""

    def assert_alive(self) -> None:
        """Check that every service that was not killed on purpose, and has no supervisor, runs.

        Raises:
            SystemUnderTestError: one died; the message names it and shows the end of its log.
        """

    def connections(self) -> frozenset[Connection] | None:
        """The established connections between services now; None where this machine cannot tell (macOS)."""

    def network_tables(self, service: str) -> Path | None:
        """The kernel's folder with the tables ``tcp`` and ``tcp6`` of the network that ``service`` is in.

        None where this machine does not hold them (macOS, a remote engine). Plain processes share the machine's own.
        """

    def collect_logs(self) -> Mapping[str, Path]:
        """Log file of each service under ``folder/logs``, complete up to now."""

    def digests(self) -> Mapping[str, str]:
        """Checksum of each program's binary, or digest of its image."""

    def down(self) -> None:
        """Stop and remove everything this deployment made. Safe to call twice, and after a failure half-way."""


class Runtime(Protocol):
    """Brings topologies up."""

    @property
    def name(self) -> str:
        """``"process"`` or ``"compose"``."""

    def up(self, topology: Topology, folder: Path, *, run_id: str, progress: Progress = silent) -> Deployment:
        """Bring ``topology`` up below ``folder``; return once every service accepts connections on its ports.

        What was started is taken down again if this fails.

        Raises:
            RuntimeMissing: this machine lacks something; the message says what and how to mend it.
            ArtifactError: a binary or image could not be had.
            SystemUnderTestError: a service refused its configuration or died.
            NotReady: a service did not listen within its deadline.
        """
