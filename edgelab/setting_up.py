"""``edgelab setup`` and ``edgelab images build``: what a machine needs before the first run."""

from __future__ import annotations

from collections.abc import Sequence

from .deploy import artifacts, images
from .deploy.base import Progress
from .model.topology import TOXIPROXY_VERSION
from .systems.nats.versions import NEWEST

# The version that published comparisons were made with, before and after which behaviour differs most.
OLDEST_TESTED = "2.10.12"


def set_up(*, for_tests: bool, for_bench: bool, progress: Progress) -> None:
    """Build or fetch what the default scenarios need; what is there and unharmed is left as it is.

    Raises:
        ArtifactError: something could not be had; the message says what to do.
    """
    versions = (NEWEST, OLDEST_TESTED) if for_tests else (NEWEST,)
    artifacts.binary("toxiproxy", TOXIPROXY_VERSION, progress=progress)
    for version in versions:
        artifacts.binary("nats-server", version, progress=progress)
    if for_tests:
        artifacts.compose_command(progress=progress)
        build_images(versions, progress=progress)
    if for_bench:
        artifacts.nats_cli(progress=progress)
    progress("everything that is needed is there")


def build_images(nats_versions: Sequence[str], *, progress: Progress) -> list[str]:
    """Local images of Toxiproxy and of the nats-server versions given (the newest by default); their tags.

    Raises:
        RuntimeMissing: no Docker daemon answers.
        ArtifactError: a binary could not be had.
    """
    wanted = [("toxiproxy", TOXIPROXY_VERSION), *(("nats-server", v) for v in nats_versions or (NEWEST,))]
    return [images.build(program, version, progress=progress) for program, version in wanted]
