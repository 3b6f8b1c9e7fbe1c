"""Which runtime."""

from __future__ import annotations

from ..errors import LabError
from ..model import validate
from ..model.topology import Topology
from . import artifacts, docker_api, images
from .base import Progress, Runtime, silent
from .compose_runtime import MOST_SITES, ComposeRuntime
from .process import ProcessRuntime

RUNTIMES = ("auto", "compose", "process")


def runtime(name: str = "auto", topology: Topology | None = None, *, progress: Progress = silent) -> Runtime:
    """The runtime called ``name``.

    ``"auto"`` is compose where an engine answers, compose v2 is there and the images of ``topology`` are there or can
    be pulled; else processes. Without a topology, images are not looked for.

    Raises:
        SpecError: no such runtime.
    """
    validate.one_of("runtime", name, RUNTIMES)
    if name == "compose" or (name == "auto" and _compose_works(topology, progress)):
        return ComposeRuntime()
    return ProcessRuntime()


def _compose_works(topology: Topology | None, progress: Progress) -> bool:
    if topology is not None and len(topology.sites) > MOST_SITES:
        return False
    if not docker_api.answers():
        return False
    try:
        artifacts.compose_command(build=False)
        if topology is not None:
            images.for_topology(topology, progress=progress)
    except LabError as error:
        progress(f"a Docker engine answers, but: {error}; using local processes")
        return False
    return True
