from collections.abc import Callable
from pathlib import Path

import pytest

from edgelab.deploy import artifacts, programs
from edgelab.deploy.java import Java
from edgelab.deploy.kafka_jars import Jars
from edgelab.model.topology import Topology


def test_kafka_is_a_shell_that_is_told_where_java_and_the_jars_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "java").write_text("java")
    monkeypatch.setattr(programs, "java", lambda **_: Java(tmp_path / "java", "17.0.1", "17.0.1+12"))
    monkeypatch.setattr(programs, "jars", lambda version, **_: Jars(version, tmp_path / "libs", "sha256:1"))
    monkeypatch.setattr(programs, "archives", lambda *_, **__: None)

    found = programs.local("kafka", "4.3.1")

    assert found.command == ("/bin/sh",)
    assert found.environment == {
        "EDGELAB_JAVA": str(tmp_path / "java"),
        "EDGELAB_KAFKA_LIBS": str(tmp_path / "libs"),
        "EDGELAB_CDS": "",
        "LC_ALL": "C.UTF-8",
    }
    java_digest = artifacts.sha256(tmp_path / "java")
    assert found.digests == {"kafka:4.3.1": "sha256:1", "java:17.0.1+12": java_digest}


def test_a_topology_may_take_longer_to_come_up_the_more_jvms_it_has(
    small: Callable[..., Topology], broker: Callable[..., Topology]
) -> None:
    native, one = small(sites=3).services, broker().services

    assert programs.up_deadline_s(native) == programs.up_deadline_s(())
    assert programs.up_deadline_s((*one, *one)) > programs.up_deadline_s(one) > programs.up_deadline_s(native)
