"""Apache Maven, which fetches jars: the machine's own, else one from Maven Central. The user's settings hold."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import requests

from ..errors import ArtifactError, CommandError
from . import toolchain
from .base import Progress, silent
from .cache import cache_folder, locked
from .java import Java

_CENTRAL = "https://repo.maven.apache.org/maven2"
_VERSION = "3.9.16"
_SHA512 = (
    "831a8591fe20c8243b1dbe7d71e3244f31d1665b0804b2e825e38cbbe5ce0caf"
    "b8338851f90780735568773e0a6cd07bbec107cda0b896b008b861075358b6f6"
)
_FETCH_TIMEOUT_S = 60.0
_RUN_TIMEOUT_S = 600.0
# Refuse what does not match its checksum; say nothing but errors.
_FLAGS = ("--quiet", "--batch-mode", "--strict-checksums", "-Dstyle.color=never")
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
# Certificates that this machine trusts, a company's own among them, which a Java from elsewhere would not know.
_TRUSTED = (Path("/etc/ssl/certs/java/cacerts"), Path("/etc/pki/java/cacerts"))
_PROJECT = 'project xmlns="http://maven.apache.org/POM/4.0.0"'


@dataclass(frozen=True, slots=True)
class Artifact:
    """A jar of Maven's repositories."""

    group: str
    name: str
    version: str

    def xml(self, tag: str) -> str:
        """As an element of a pom."""
        parts = {"groupId": self.group, "artifactId": self.name, "version": self.version}
        return f"<{tag}>{''.join(f'<{key}>{escape(value)}</{key}>' for key, value in parts.items())}</{tag}>"


class Maven:
    """Maven, run with one Java."""

    def __init__(self, java: Java, *, progress: Progress = silent) -> None:
        self._java = java
        self._program = _program(progress)

    def copy(self, artifacts: Sequence[Artifact], folder: Path) -> None:
        """Copy the jars of ``artifacts``, and all that they need at run time, to ``folder``.

        Raises:
            CommandError: one could not be had; it holds Maven's words.
        """
        # A release that is out since yesterday may have been asked for before: hence the updates.
        self._run(pom(artifacts), _COPY, "--update-snapshots", "-DincludeScope=runtime", f"-DoutputDirectory={folder}")

    def versions(self, group: str, name: str) -> list[str]:
        """The released versions that the repositories list, oldest first; none where they cannot be asked."""
        # A parent within a range makes Maven fetch the list of its versions before anything else, the way and from
        # where the user's settings say; a range with nothing in it then ends it.
        wanted = Artifact(group, name, "[1000000,)").xml("parent")
        text = f"<{_PROJECT}><modelVersion>4.0.0</modelVersion>{wanted}<artifactId>list</artifactId></project>"
        with tempfile.TemporaryDirectory(prefix="edgelab-") as scratch:
            try:
                self._run(text, "validate", f"-Dmaven.repo.local={scratch}")
            except CommandError:
                lists = Path(scratch).rglob("maven-metadata-*.xml")
                found = {v for path in lists for v in re.findall(r"<version>([\d.]+)</version>", path.read_text())}
                return sorted(found, key=lambda version: [int(n) for n in version.split(".") if n])
        return []

    def _run(self, text: str, *arguments: str) -> None:
        if "trustStore" not in os.environ.get("MAVEN_OPTS", ""):
            arguments += tuple(f"-Djavax.net.ssl.trustStore={path}" for path in _TRUSTED if path.exists())
        with tempfile.TemporaryDirectory(prefix="edgelab-") as scratch:
            (Path(scratch) / "pom.xml").write_text(text)
            toolchain.run(
                [str(self._program), *_FLAGS, *arguments],
                cwd=Path(scratch),
                environment={"JAVA_HOME": str(self._java.home)},
                timeout_s=_RUN_TIMEOUT_S,
            )


def pom(artifacts: Sequence[Artifact]) -> str:
    """A project that depends on ``artifacts``."""
    head = "<groupId>edgelab</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>"
    needs = "\n".join(artifact.xml("dependency") for artifact in artifacts)
    return f"<{_PROJECT}><modelVersion>4.0.0</modelVersion>{head}<dependencies>\n{needs}\n</dependencies></project>\n"


def words(error: CommandError) -> str:
    """What Maven says went wrong, without its advice."""
    lines = [line.removeprefix("[ERROR]").strip() for line in error.stderr.splitlines()]
    found = next((line for line in lines if line.startswith(("Failed to execute", "Could not"))), "")
    return (found or next((line for line in lines if line), str(error))).split(" -> [Help")[0]


def _program(progress: Progress) -> Path:
    if found := shutil.which("mvn"):
        return Path(found)
    folder = cache_folder() / f"maven-{_VERSION}"
    program = folder / "bin" / "mvn"
    if not program.exists():
        with locked(folder.name, progress=progress):
            if not program.exists():
                _fetch(folder, progress)
    return program


def _fetch(folder: Path, progress: Progress) -> None:
    progress(f"getting Apache Maven {_VERSION} (the machine has none)")
    url = f"{_CENTRAL}/org/apache/maven/apache-maven/{_VERSION}/apache-maven-{_VERSION}-bin.tar.gz"
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".maven-") as scratch:
        archive = Path(scratch) / "maven.tar.gz"
        try:
            answer = requests.get(url, timeout=_FETCH_TIMEOUT_S)
            answer.raise_for_status()
        except requests.RequestException as error:
            raise ArtifactError(f"no Maven to get Kafka's jars with; install Maven yourself. {error}") from error
        if hashlib.sha512(answer.content).hexdigest() != _SHA512:
            raise ArtifactError(f"what {url} served is not Apache Maven {_VERSION}: its checksum is wrong")
        archive.write_bytes(answer.content)
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        (Path(scratch) / f"apache-maven-{_VERSION}").rename(folder)
