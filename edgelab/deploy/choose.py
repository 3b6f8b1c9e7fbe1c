"""Which runtime."""

from __future__ import annotations

from ..errors import LabError, SpecError
from ..model import validate
from ..model.topology import Topology
from . import artifacts, docker_api, images
from .base import Progress, Runtime, silent
from .compose_runtime import ComposeRuntime
from .process import ProcessRuntime

# A thousand did not come up within five minutes, and took as long to take down.
MOST_SITES = 250
RUNTIMES = ("auto", "compose", "process")


def runtime(name: str = "auto", topology: Topology | None = None, *, progress: Progress = silent) -> Runtime:
    """The runtime called ``name``.

    ``"auto"`` is compose where an engine answers, compose v2 is there and the images of ``topology`` are there or can
    be pulled; else processes. Without a topology, images are not looked for.

    Raises:
        SpecError: no such runtime, or more sites than it can hold.
    """
    validate.one_of("runtime", name, RUNTIMES)
    if name == "compose" and topology is not None and not _few_enough(topology):
        raise SpecError(
            f"sites must be at most {MOST_SITES} with containers (each has a network of its own, and Toxiproxy is "
            f"on all of them), not {len(topology.sites)}; use --runtime process"
        )
    if name == "compose" or (name == "auto" and _compose_works(topology, progress)):
        return ComposeRuntime()
    return ProcessRuntime()


def _few_enough(topology: Topology | None) -> bool:
    return topology is None or len(topology.sites) <= MOST_SITES


def _compose_works(topology: Topology | None, progress: Progress) -> bool:
    if not _few_enough(topology):
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
