from pathlib import Path

from edgelab.deploy.cds import archives
from edgelab.deploy.java import Java
from edgelab.deploy.kafka_jars import Jars


def test_without_archives_everything_runs_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "libs").mkdir()
    jars = Jars("4.3.1", tmp_path / "libs", "sha256:1")
    no_java = Java(tmp_path / "not" / "there", "17.0.1", "17.0.1+12")
    said: list[str] = []

    first = archives(jars, no_java, progress=said.append)
    second = archives(jars, no_java, progress=said.append)

    assert (first, second) == (None, None)
    assert [line.split(" (")[0].split(":")[0] for line in said] == [
        "recording the classes of Kafka 4.3.1 for a faster start",
        *["Kafka 4.3.1 starts without an archive of its classes"] * 2,
    ]
    assert "No such file" in (jars.cds / "17.0.1+12" / "failed.txt").read_text()
