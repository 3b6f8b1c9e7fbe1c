"""Container images: the official ones where they can be had, else local ones from the same binaries."""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import docker
import requests
from docker.errors import DockerException

from ..errors import ArtifactError, LabError, SpecError
from ..model.topology import Topology
from . import artifacts, docker_api, kafka_image
from .base import Progress, silent
from .programs import KAFKA

_PULL_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class _Image:
    """Names of a program's images; all take the program's flags, or the shell's, as their command.

    Attributes:
        variable: environment variable that overrides the image.
        official: repository of the published image.
        local: repository of the image that :func:`build` makes.
        option: of ``edgelab images build``.
        since: version from which on there is an official one.
    """

    variable: str
    official: str
    local: str
    option: str = ""
    since: str = "0"

    def tags(self, version: str) -> list[str]:
        """The image to take for ``version``, and what to take instead."""
        local = f"{self.local}:{version}"
        return [f"{self.official}:{version}", local] if _key(version) >= _key(self.since) else [local]


_IMAGES = {
    "nats-server": _Image("EDGELAB_NATS_IMAGE", "nats", "edgelab/nats-server", "--nats"),
    "toxiproxy": _Image("EDGELAB_TOXIPROXY_IMAGE", "ghcr.io/shopify/toxiproxy", "edgelab/toxiproxy"),
    KAFKA: _Image("EDGELAB_KAFKA_IMAGE", "apache/kafka", "edgelab/kafka", "--kafka", since="3.7.0"),
}


def by_default(program: str, version: str) -> str:
    """What a compose file names: the official image, which an environment variable overrides."""
    image = _image(program)
    return f"${{{image.variable}:-{image.tags(version)[0]}}}"


def for_topology(topology: Topology, *, progress: Progress = silent) -> Mapping[tuple[str, str], str]:
    """An image that this machine's engine has for each program and version of ``topology``.

    In this order: what the environment variable names, the official image if it is here, the local one if it is
    here, the official image, pulled.

    Raises:
        RuntimeMissing: no engine answers.
        ArtifactError: none of these; the message says how to make one.
    """
    client = docker_api.connect(timeout_s=_PULL_TIMEOUT_S)
    try:
        programs = dict.fromkeys((s.program, s.version) for s in topology.services)
        return {key: _choose(client, *key, progress) for key in programs}
    finally:
        client.close()


def build(program: str, version: str, *, progress: Progress = silent) -> str:
    """Make a local image that holds nothing but the program, and what it takes to run it; its tag.

    Raises:
        RuntimeMissing: no engine answers.
        ArtifactError: the program could not be had.
    """
    image = _image(program)
    tag = f"{image.local}:{version}"
    client = docker_api.connect(timeout_s=_PULL_TIMEOUT_S)
    try:
        with _context(program, version, progress) as context, docker_api.translated(f"build image {tag}"):
            progress(f"making image {tag}")
            client.images.build(
                fileobj=context, custom_context=True, tag=tag, rm=True, labels={"edgelab.image": program}
            )
    finally:
        client.close()
    return tag


def present(program: str, version: str, client: docker.DockerClient) -> str | None:
    """The first image of those :func:`for_topology` would take without pulling; None if there is none."""
    image = _image(program)
    chosen = os.environ.get(image.variable)
    candidates = [chosen] if chosen else image.tags(version)
    return next((tag for tag in candidates if _has(client, tag)), None)


def _choose(client: docker.DockerClient, program: str, version: str, progress: Progress) -> str:
    if (found := present(program, version, client)) is not None:
        return found
    image = _image(program)
    tag = os.environ.get(image.variable) or image.tags(version)[0]
    progress(f"pulling {tag}")
    try:
        client.images.pull(tag)
    except (DockerException, requests.RequestException) as error:
        problem = f"image {tag} is not here and could not be pulled ({error})"
        raise ArtifactError(f"{problem}; {_instead(program, version)}") from error
    return tag


def _instead(program: str, version: str) -> str:
    image = _image(program)
    if image.variable in os.environ:
        return f"it is what {image.variable} names: unset or correct that"
    command = "edgelab images build" + (f" {image.option} {version}" if image.option else "")
    return f"`{command}` makes {image.local}:{version} from the same files instead"


def _has(client: docker.DockerClient, tag: str) -> bool:
    try:
        client.images.get(tag)
    except docker.errors.ImageNotFound:
        return False
    except (DockerException, requests.RequestException) as error:
        raise LabError(f"Docker could not look for image {tag}: {error}") from error
    return True


def _key(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _image(program: str) -> _Image:
    try:
        return _IMAGES[program]
    except KeyError:
        raise SpecError(f"program must be one of {', '.join(_IMAGES)} to run in a container, not {program!r}") from None


def _context(program: str, version: str, progress: Progress) -> IO[bytes]:
    if program == KAFKA:
        return kafka_image.context(version, progress=progress)
    return _context_of(artifacts.binary(program, version, progress=progress))


def _context_of(binary: Path) -> IO[bytes]:
    # An archive of our own, dated zero: the same binary gives the same layer, and so the engine's cache hits.
    name = binary.name
    dockerfile = f'FROM scratch\nCOPY {name} /{name}\nENTRYPOINT ["/{name}"]\n'
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, mode, content in (("Dockerfile", 0o644, dockerfile.encode()), (name, 0o755, binary.read_bytes())):
            info = tarfile.TarInfo(path)
            info.mode, info.size = mode, len(content)
            archive.addfile(info, io.BytesIO(content))
    buffer.seek(0)
    return buffer
