"""What this machine can and cannot run, in plain words, and how to mend it."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import docker
import psutil

from ..errors import EdgelabError, LabError, RuntimeMissing
from ..model.topology import MIB, TOXIPROXY_VERSION
from . import artifacts, docker_api, images, java, kafka_jars, toolchain
from .cache import CACHE_VARIABLE, cache_folder
from .ports import FIRST_PORT, LAST_PORT, is_free

_OLDEST_PYTHON = (3, 11)
_DISK_BYTES = 3000 * MIB  # toolchain, module cache and a few runs
_MEMORY_BYTES = 1000 * MIB  # hub, Toxiproxy, three sites, publishers and the analysis
_ENGINE = "Docker engine"
_PORTS_TRIED = 200
_PORTS_WANTED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at.

    Attributes:
        found: what there is.
        mend: what to do if it is not ``ok``.
        needed: whether nothing runs without it; the rest is needed by one runtime only, or can be made.
    """

    name: str
    ok: bool
    found: str
    mend: str = ""
    needed: bool = False


def diagnose() -> list[Finding]:
    """Look at everything a run needs; takes a few seconds, changes nothing."""
    return [
        _python(),
        _system(),
        _go(),
        *_binaries(),
        _java(),
        _jars(),
        *_docker(),
        _disk(),
        _memory(),
        _ports(),
        _packet_plane(),
    ]


def runtimes(found: Sequence[Finding]) -> list[str]:
    """The runtimes that work here, given what :func:`diagnose` found."""
    if not all(finding.ok for finding in found if finding.needed):
        return []
    engine = any(finding.ok for finding in found if finding.name == _ENGINE)
    return ["process", "compose"] if engine else ["process"]


def _python() -> Finding:
    wanted = ".".join(map(str, _OLDEST_PYTHON))
    return Finding(
        name="Python",
        ok=sys.version_info >= _OLDEST_PYTHON,
        found=platform.python_version(),
        mend=f"install Python {wanted} or newer",
        needed=True,
    )


def _system() -> Finding:
    return Finding(
        name="operating system",
        ok=sys.platform in {"linux", "darwin"},
        found=platform.platform(terse=True),
        mend="use Linux, macOS, or Linux inside Windows (WSL 2)",
        needed=True,
    )


def _go() -> Finding:
    own = toolchain.system_go()
    if own is not None:
        version = toolchain.go_version(own)
        return Finding(name="Go toolchain", ok=True, found=f"{'.'.join(map(str, version or ()))} ({own})")
    fetched = toolchain.fetched_go()
    return Finding(
        name="Go toolchain",
        ok=fetched is not None,
        found="none" if fetched is None else str(fetched),
        mend="nothing to do: `edgelab setup` gets one when it needs it (or install Go)",
    )


def _binaries() -> list[Finding]:
    found = []
    for program in ("nats-server", "toxiproxy"):
        versions = artifacts.cached_versions(program)
        ok = TOXIPROXY_VERSION in versions if program == "toxiproxy" else bool(versions)
        found.append(
            Finding(
                name=f"{program} binary",
                ok=ok,
                found=f"{', '.join(versions) or 'none'} in {cache_folder()}",
                mend="run `edgelab setup` (a run builds what it lacks, too)",
            )
        )
    return found


def _java() -> Finding:
    found = java.system_java() or java.fetched_java()
    return Finding(
        name="Java",
        ok=found is not None,
        found=f"none from {java.OLDEST_JAVA} on" if found is None else f"{found.version} ({found.program})",
        mend="nothing to do: what needs it, Kafka, gets one (or install Java, or name it with JAVA_HOME)",
    )


def _jars() -> Finding:
    versions = kafka_jars.cached_versions()
    return Finding(
        name="Kafka jars",
        ok=bool(versions),
        found=f"{', '.join(versions) or 'none'} in {cache_folder()}",
        mend="run `edgelab setup` (a run gets what it lacks, too)",
    )


def _docker() -> list[Finding]:
    try:
        client = docker_api.connect(timeout_s=5.0)
    except RuntimeMissing as error:
        mend = "only --runtime compose needs it: start Docker, or on Debian as root `python -m edgelab.deploy.engine`"
        return [Finding(name=_ENGINE, ok=False, found=str(error.__cause__ or error), mend=mend)]
    try:
        version = str(client.version()["Version"])
        return [Finding(name=_ENGINE, ok=True, found=version), _compose(), *_images(client)]
    except (LabError, docker.errors.DockerException) as error:
        return [Finding(name=_ENGINE, ok=False, found=str(error), mend="restart Docker")]
    finally:
        client.close()


def _compose() -> Finding:
    try:
        command = artifacts.compose_command(build=False)
    except EdgelabError as error:
        return Finding(name="Docker compose", ok=False, found=str(error), mend="a compose run builds it, once")
    return Finding(name="Docker compose", ok=True, found=" ".join(command))


def _images(client: docker.DockerClient) -> list[Finding]:
    newest = {"nats-server": artifacts.cached_versions("nats-server"), "kafka": kafka_jars.cached_versions()}
    wanted = [(program, versions[-1]) for program, versions in newest.items() if versions]
    found = []
    for program, version in [*wanted, ("toxiproxy", TOXIPROXY_VERSION)]:
        tag = images.present(program, version, client)
        found.append(
            Finding(
                name=f"{program} image",
                ok=tag is not None,
                found=tag or f"none of {version}",
                mend="a compose run pulls it; where no image registry is reached, run `edgelab images build`",
            )
        )
    return found


def _disk() -> Finding:
    folder = cache_folder()
    while not folder.exists():
        folder = folder.parent
    free = min(shutil.disk_usage(path).free for path in (folder, Path.cwd()))
    return Finding(
        name="free disk",
        ok=free >= _DISK_BYTES,
        found=f"{free // MIB:,} MiB here and in the cache",
        mend=f"free {_DISK_BYTES // MIB:,} MiB, or put the cache elsewhere with {CACHE_VARIABLE}",
        needed=True,
    )


def _memory() -> Finding:
    free = psutil.virtual_memory().available
    return Finding(
        name="free memory",
        ok=free >= _MEMORY_BYTES,
        found=f"{free // MIB:,} MiB",
        mend=f"free {_MEMORY_BYTES // MIB:,} MiB, or run fewer sites (about 25 MiB each; 350 MiB with Kafka)",
        needed=True,
    )


def _ports() -> Finding:
    tried = range(FIRST_PORT, LAST_PORT + 1, (LAST_PORT - FIRST_PORT) // _PORTS_TRIED)
    share = sum(map(is_free, tried)) / len(tried)
    return Finding(
        name="free ports",
        ok=share >= _PORTS_WANTED,
        found=f"{share:.0%} of {FIRST_PORT} to {LAST_PORT}",
        mend="stop what listens there (`edgelab clean` ends what dead labs left)",
        needed=True,
    )


def _packet_plane() -> Finding:
    return Finding(
        name="packet plane",
        ok=False,
        found="not part of this version: no packet loss, no UDP",
        mend="nothing to do: faults are applied by Toxiproxy and to processes",
    )
