"""Jars of any Kafka version, from Maven Central, kept and checked.

::

    cache/kafka/4.3.1/libs/*.jar       broker, MirrorMaker, Connect, tools, and a binding that makes them log
                      manifest.json    sha256 of each

Maven checks what it downloads; the manifest vouches for it each time it is used.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..errors import ArtifactError, CommandError, SpecError
from . import artifacts
from .base import Progress, silent
from .cache import cache_folder, locked
from .java import java
from .maven import Artifact, Maven, words

_GROUP = "org.apache.kafka"
_PARTS = ("kafka_2.13", "connect-mirror", "kafka-tools")
_MANIFEST = "manifest.json"
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Jars:
    """The jars of one version.

    Attributes:
        folder: holds them; a class path is ``folder/*``.
        digest: ``sha256:…`` of all their checksums.
    """

    version: str
    folder: Path
    digest: str

    @property
    def cds(self) -> Path:
        """Where archives of their loaded classes go; gone with the jars, which those must match."""
        return self.folder.parent / "cds"


def jars(version: str, *, progress: Progress = silent) -> Jars:
    """The jars of Kafka ``version``: from the cache if their checksums are right, else fetched.

    Raises:
        SpecError: not a version.
        ArtifactError: they could not be had; where there is no such version, the message names the newest.
    """
    if not _VERSION.fullmatch(version):
        raise SpecError(f'kafka version must be three numbers like "3.9.2", not {version!r}')
    if (found := cached(version)) is not None:
        return found
    folder = _folder(version)
    with locked(f"kafka-{version}", progress=progress):
        if (found := cached(version)) is not None:
            return found
        if folder.exists():
            progress(f"jars of Kafka {version} in the cache do not match their checksums: getting them again")
            shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{version}-") as scratch:
            whole = Path(scratch) / "whole"
            _fetch(version, whole / "libs", progress)
            manifest = {"kafka": version, "jars": _checksums(whole / "libs")}
            (whole / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
            whole.rename(folder)  # all or nothing
    found = cached(version)
    if found is None:
        raise ArtifactError(
            f"jars of Kafka {version} in {folder} changed as soon as they were there; is the disk full?"
        )
    return found


def cached(version: str) -> Jars | None:
    """The jars if the cache holds them intact; never fetches."""
    folder = _folder(version)
    try:
        wanted = json.loads((folder / _MANIFEST).read_text())["jars"]
        if not wanted or wanted != _checksums(folder / "libs"):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    text = json.dumps(wanted, sort_keys=True)
    return Jars(version, folder / "libs", "sha256:" + hashlib.sha256(text.encode()).hexdigest())


def cached_versions() -> list[str]:
    """Versions in the cache, oldest first; whether they are intact is not looked at."""
    found = [path.parent.name for path in (cache_folder() / "kafka").glob(f"[0-9]*/{_MANIFEST}")]
    return sorted(found, key=lambda version: [int(n) for n in re.findall(r"\d+", version)])


def parts(version: str) -> list[Artifact]:
    """What is asked of Maven for ``version``; the rest comes with it."""
    return [Artifact(_GROUP, name, version) for name in _PARTS]


def binding(libs: Path) -> Artifact:
    """The jar that carries what Kafka logs to the logging library that came with it.

    Kafka's own artifacts leave it out: without it a broker says nothing, not even why it dies.

    Raises:
        ArtifactError: no logging library came with it.
    """
    slf4j = _version_of("slf4j-api", libs)
    if slf4j and (log4j := _version_of("log4j-core", libs)):
        name = "log4j-slf4j-impl" if slf4j.startswith("1.") else "log4j-slf4j2-impl"
        return Artifact("org.apache.logging.log4j", name, log4j)
    if slf4j and _version_of("reload4j", libs):
        return Artifact("org.slf4j", "slf4j-reload4j", slf4j)
    raise ArtifactError(f"no logging library came with Kafka's jars in {libs}")


def _folder(version: str) -> Path:
    return cache_folder() / "kafka" / version


def _fetch(version: str, libs: Path, progress: Progress) -> None:
    maven = Maven(java(progress=progress), progress=progress)
    progress(f"getting the jars of Kafka {version} from Maven Central (once; about 60 MB)")
    try:
        maven.copy(parts(version), libs)
        maven.copy([binding(libs)], libs)
    except CommandError as error:
        raise _refusal(maven, version, error) from error


def _refusal(maven: Maven, version: str, error: CommandError) -> ArtifactError:
    # Maven writes down the versions there are: no guessing from the words of an error message.
    # A version counts as served when all of its parts are; they are published one after another.
    lists = [maven.versions(_GROUP, name) for name in _PARTS]
    known = [v for v in lists[0] if all(v in others for others in lists[1:])]
    if not known:
        return ArtifactError(f"Kafka {version} could not be had, and its versions could not be listed: {words(error)}")
    if version in known:
        return ArtifactError(f"Kafka {version} is served, but could not be had: {words(error)}")
    lack = f"not all of Kafka {version} is served" if version in lists[0] else f"there is no Kafka {version}"
    return ArtifactError(f"{lack}; the newest are {', '.join(known[-5:])}")


def _version_of(name: str, libs: Path) -> str | None:
    found = [re.fullmatch(rf"{re.escape(name)}-(\d[\d.]*)\.jar", path.name) for path in libs.iterdir()]
    return next((match[1] for match in found if match), None)


def _checksums(libs: Path) -> dict[str, str]:
    found = sorted(libs.iterdir())
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip((path.name for path in found), pool.map(artifacts.sha256, found), strict=True))
