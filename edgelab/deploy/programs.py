"""What starts a service: its command and environment, as a plain process and in a container."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..model.topology import Service
from . import artifacts
from .base import Progress, silent
from .cds import archives
from .java import java
from .kafka_jars import jars

KAFKA = "kafka"
SHELL = "/bin/sh"
JAVA_VARIABLE = "EDGELAB_JAVA"
LIBS_VARIABLE = "EDGELAB_KAFKA_LIBS"
CDS_VARIABLE = "EDGELAB_CDS"
CONTAINER_LIBS = Path("/opt/kafka/libs")
# As in the official image and in the local one. Archives of classes are for the Java that made them: none there.
CONTAINER_ENVIRONMENT = {JAVA_VARIABLE: "java", LIBS_VARIABLE: str(CONTAINER_LIBS), CDS_VARIABLE: ""}
_UP_DEADLINE_S = 60.0
_JVM_START_S = 10.0  # of processor time on a slow machine, one after another where cores are few


@dataclass(frozen=True, slots=True)
class Program:
    """A program on this machine.

    Attributes:
        command: what comes before a service's arguments.
        environment: what it is told besides the service's own variables.
        digests: checksum of each part of it, by name and version.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


def local(program: str, version: str, *, progress: Progress = silent) -> Program:
    """``program`` at ``version``, made or fetched first where it is not there.

    Raises:
        SpecError: no such program, or not a version.
        ArtifactError: it could not be had; the message says why.
    """
    if program == KAFKA:
        return _kafka(version, progress)
    path = artifacts.binary(program, version, progress=progress)
    return Program((str(path),), digests={f"{program}:{version}": artifacts.sha256(path)})


def is_jvm(service: Service) -> bool:
    """Whether ``service`` runs in a Java virtual machine: slow to start, and large."""
    return service.program == KAFKA


def up_deadline_s(services: Iterable[Service]) -> float:
    """How long ``services``, started together, may take until they listen."""
    return _UP_DEADLINE_S + _JVM_START_S * sum(map(is_jvm, services))


def _kafka(version: str, progress: Progress) -> Program:
    found, its_java = jars(version, progress=progress), java(progress=progress)
    environment = {
        JAVA_VARIABLE: str(its_java.program),
        LIBS_VARIABLE: str(found.folder),
        CDS_VARIABLE: str(archives(found, its_java, progress=progress) or ""),
        # Java takes the names of files for ASCII where the user's own says nothing, as under cron.
        "LC_ALL": "C.UTF-8",
    }
    digests = {
        f"{KAFKA}:{version}": found.digest,
        f"java:{its_java.build}": artifacts.sha256(its_java.program),
    }
    return Program((SHELL,), environment, digests)
