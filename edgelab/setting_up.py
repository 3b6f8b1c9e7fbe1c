"""``edgelab setup`` and ``edgelab images build``: what a machine needs before the first run."""

from __future__ import annotations

from collections.abc import Sequence

from .deploy import artifacts, images, programs
from .deploy.base import Progress
from .model.topology import TOXIPROXY_VERSION
from .systems.kafka.versions import NEWEST as NEWEST_KAFKA
from .systems.nats.versions import NEWEST

# The version that published comparisons were made with, before and after which behaviour differs most.
OLDEST_TESTED = "2.10.12"
# The last that has ZooKeeper, and another logging library.
OLDER_KAFKA = "3.9.2"


def set_up(*, for_tests: bool, for_bench: bool, progress: Progress) -> None:
    """Build or fetch what the default scenarios need; what is there and unharmed is left as it is.

    Raises:
        ArtifactError: something could not be had; the message says what to do.
    """
    versions = (NEWEST, OLDEST_TESTED) if for_tests else (NEWEST,)
    kafka_versions = (NEWEST_KAFKA, OLDER_KAFKA) if for_tests else (NEWEST_KAFKA,)
    artifacts.binary("toxiproxy", TOXIPROXY_VERSION, progress=progress)
    for version in versions:
        artifacts.binary("nats-server", version, progress=progress)
    for version in kafka_versions:
        programs.local("kafka", version, progress=progress)  # with Java, and archives of classes
    if for_tests:
        artifacts.compose_command(progress=progress)
        build_images(nats=versions, kafka=kafka_versions[:1], progress=progress)
    if for_bench:
        artifacts.nats_cli(progress=progress)
    progress("everything that is needed is there")


def build_images(*, nats: Sequence[str] = (), kafka: Sequence[str] = (), progress: Progress) -> list[str]:
    """Local images of Toxiproxy and of the versions given (without any: of the newest of each); their tags.

    Raises:
        RuntimeMissing: no Docker daemon answers.
        ArtifactError: a binary could not be had.
    """
    if not nats and not kafka:
        nats, kafka = (NEWEST,), (NEWEST_KAFKA,)
    wanted = [("toxiproxy", TOXIPROXY_VERSION), *(("nats-server", v) for v in nats), *(("kafka", v) for v in kafka)]
    return [images.build(program, version, progress=progress) for program, version in wanted]
