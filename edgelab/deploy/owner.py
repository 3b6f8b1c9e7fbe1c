"""Whose a process or container is, and whether that lab still lives."""

from __future__ import annotations

import functools
import os
import socket
from dataclasses import dataclass

import psutil

RUN_VARIABLE = "EDGELAB_RUN"
OWNER_VARIABLE = "EDGELAB_OWNER"
RUN_LABEL = "edgelab.run"
OWNER_LABEL = "edgelab.owner"
SERVICE_LABEL = "edgelab.service"
# The kernel's boot time, to which process start times are relative, moves by a second when the clock is disciplined.
_SLACK_S = 2.0


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that made something, told apart from a later one with the same number.

    Attributes:
        created_s: when it started, Unix time.
        host: where it runs; empty for "this machine".
    """

    pid: int
    created_s: float
    host: str = ""

    def __str__(self) -> str:
        return f"{self.pid}:{self.created_s:.2f}" + (f"@{self.host}" if self.host else "")

    @property
    def alive(self) -> bool:
        """Whether it runs. One on another machine counts as alive: it cannot be seen from here."""
        if self.host not in {"", socket.gethostname()}:
            return True
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created_s) <= _SLACK_S
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True


def current(*, with_host: bool = False) -> Owner:
    """This process. With its host for what a remote engine may hold."""
    return Owner(os.getpid(), _created_s(os.getpid()), socket.gethostname() if with_host else "")


def parse(text: str | None) -> Owner | None:
    """The owner that ``text`` names; None where it names none."""
    body, _, host = (text or "").partition("@")
    pid, _, created = body.partition(":")
    try:
        return Owner(int(pid), float(created), host)
    except ValueError:
        return None


def marks(run_id: str) -> dict[str, str]:
    """Environment variables by which :func:`edgelab.deploy.clean.clean` finds a process of this lab."""
    return {RUN_VARIABLE: run_id, OWNER_VARIABLE: str(current())}


@functools.cache
def _created_s(pid: int) -> float:  # by pid, because a fork must not answer for its parent
    return psutil.Process(pid).create_time()
