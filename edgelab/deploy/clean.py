"""Removing what dead labs left behind, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil

from ..errors import RuntimeMissing
from . import containers, docker_api, owner

_STOP_S = 3.0


@dataclass(frozen=True, slots=True)
class _Left:
    """A process that some lab started."""

    process: psutil.Process
    name: str
    run: str
    owner: owner.Owner


def clean(*, include_running: bool = False) -> list[str]:
    """Remove processes, containers, networks and volumes of labs whose own process is dead; what was removed.

    A lab whose process lives is left alone (unless ``include_running``), and so is everything that no lab marked as
    its own.

    Raises:
        LabError: the Docker engine answers, but would not remove something.
    """
    return [*_clean_processes(include_running=include_running), *_clean_engine(include_running=include_running)]


def _clean_processes(*, include_running: bool) -> list[str]:
    spared = {os.getpid(), *(p.pid for p in psutil.Process().parents())}
    doomed = [
        left
        for left in _marked_processes()
        if left.process.pid not in spared and (include_running or not left.owner.alive)
    ]
    for left in doomed:
        with suppress(psutil.NoSuchProcess):
            left.process.kill()  # whoever would have wanted a last word from it is gone
    psutil.wait_procs([left.process for left in doomed], timeout=_STOP_S)
    return [f"process {left.process.pid} ({left.name}) of {left.run}" for left in doomed]


def _marked_processes() -> Iterator[_Left]:
    for process in psutil.process_iter():
        # Other users' processes, and ones that end while they are looked at, are none of ours.
        with suppress(psutil.Error, OSError):
            environment = process.environ()
            made_by = owner.parse(environment.get(owner.OWNER_VARIABLE))
            run = environment.get(owner.RUN_VARIABLE)
            if made_by is not None and run:
                yield _Left(process, process.name(), run, made_by)


def _clean_engine(*, include_running: bool) -> list[str]:
    try:
        client = docker_api.connect()
    except RuntimeMissing:
        return []  # no engine, no containers
    try:
        removed = []
        for run, text in containers.owners(client).items():
            made_by = owner.parse(text)
            # Without a readable owner it is not known to be dead.
            if include_running or (made_by is not None and not made_by.alive):
                removed += containers.sweep(client, run)
        return removed
    finally:
        client.close()
