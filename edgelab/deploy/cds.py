"""Archives of the classes that Kafka loads, made once: a JVM that maps one starts in half the time.

::

    cache/kafka/4.3.1/cds/17.0.15+6-Debian-1deb12u1/broker.jsa, mirror.jsa

They are made by playing a broker, and a MirrorMaker from it to itself, until records have crossed. Java checks that an
archive fits it and the jars, and does without one that does not.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from ..errors import LabError
from . import owner, ready
from .base import Progress, silent
from .cache import locked
from .child import Child
from .java import Java
from .kafka_jars import Jars
from .ports import Ports
from .toolchain import run

BROKER, MIRROR = "broker", "mirror"
_FAILED = "failed.txt"
_FLAGS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_HEAPS = {BROKER: "-Xmx128m", MIRROR: "-Xmx256m"}
_MAIN = {BROKER: "kafka.Kafka", MIRROR: "org.apache.kafka.connect.mirror.MirrorMaker"}
_START_DEADLINE_S = 60.0
_END_DEADLINE_S = 60.0

_PROPERTIES = {
    BROKER: """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:@controller
listeners=PLAINTEXT://127.0.0.1:@clients,CONTROLLER://127.0.0.1:@controller
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.io.buffer.size=65536
log.cleaner.threads=1
""",
    MIRROR: """\
clusters=a,b
a.bootstrap.servers=127.0.0.1:@clients
b.bootstrap.servers=127.0.0.1:@clients
a->b.enabled=true
b->a.enabled=false
refresh.topics.interval.seconds=1
emit.heartbeats.interval.seconds=1
replication.factor=1
offset-syncs.topic.replication.factor=1
heartbeats.topic.replication.factor=1
checkpoints.topic.replication.factor=1
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.storage.partitions=1
status.storage.partitions=1
""",
}
# For either logging library: what they load to write a line belongs into the archive.
_LOG4J = """\
log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n
"""
_LOG4J2 = """\
rootLogger.level=INFO
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=[%d] %p %m (%c)%n
"""


def archives(jars: Jars, java: Java, *, progress: Progress = silent) -> Path | None:
    """Folder with ``broker.jsa`` and ``mirror.jsa``, made first where they are not there.

    None where they cannot be made, which ``progress`` is told: everything runs without, and starts slower.
    """
    folder = jars.cds / re.sub(r"[^A-Za-z0-9.+-]", "_", java.build)
    if not folder.exists():
        with locked(f"cds-{jars.version}", progress=progress):
            if not folder.exists():
                progress(f"recording the classes of Kafka {jars.version} for a faster start (once; about 15 s)")
                _make(jars, java, folder)
    failed = folder / _FAILED
    if failed.exists():
        progress(f"Kafka {jars.version} starts without an archive of its classes: none could be made; see {failed}")
        return None
    return folder


def _make(jars: Jars, java: Java, folder: Path) -> None:
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as scratch:
        whole = Path(scratch) / "whole"
        whole.mkdir()
        try:
            _Recording(jars, java, Path(scratch), whole).play()
        except LabError as error:
            shutil.rmtree(whole)
            whole.mkdir()
            (whole / _FAILED).write_text(f"{error}\n")
        whole.rename(folder)  # all or nothing


class _Recording:
    """A broker and a mirror, each of which leaves an archive in ``out`` when it ends."""

    def __init__(self, jars: Jars, java: Java, scratch: Path, out: Path) -> None:
        self._classpath = f"{jars.folder}/*"
        self._java = java
        self._scratch = scratch
        self._out = out

    def play(self) -> None:
        """Run both until records have crossed, then end them.

        Raises:
            LabError: one did not start, did not work, or left no archive.
        """
        ports = Ports()
        try:
            self._write({"clients": str(ports.take()), "controller": str(ports.take())})
            run([*self._jvm(BROKER), "kafka.tools.StorageTool", *self._format()], cwd=self._scratch)
            broker, mirror = self._child(BROKER), self._child(MIRROR)
            try:
                broker.start()
                self._until(broker, lambda: bool(broker.listening()))
                mirror.start()
                self._until(mirror, self._records_crossed)
                for child in (mirror, broker):
                    self._end(child)
            finally:
                mirror.kill()
                broker.kill()
        finally:
            ports.release()

    def _write(self, values: Mapping[str, str]) -> None:
        for name, text in _PROPERTIES.items():
            filled = re.sub(r"@(clients|controller)", lambda match: values[match[1]], text)
            (self._scratch / f"{name}.properties").write_text(filled)
        (self._scratch / "log4j.properties").write_text(_LOG4J)
        (self._scratch / "log4j2.properties").write_text(_LOG4J2)

    def _jvm(self, name: str, *more: str) -> tuple[str, ...]:
        logging = ("-Dlog4j.configuration=file:log4j.properties", "-Dlog4j2.configurationFile=log4j2.properties")
        return (str(self._java.program), _HEAPS[name], *_FLAGS, *more, *logging, "-cp", self._classpath)

    def _format(self) -> tuple[str, ...]:
        return ("format", "-t", "ZWRnZWxhYi1jZHMtMDAwMQ", "-c", f"{BROKER}.properties")

    def _child(self, name: str) -> Child:
        archive = f"-XX:ArchiveClassesAtExit={self._out / name}.jsa"
        argv = (*self._jvm(name, archive), _MAIN[name], f"{name}.properties")
        log = self._scratch / f"{name}.log"
        return Child(name, argv, cwd=self._scratch, log=log, environment=owner.marks("edgelab-cds"))

    def _records_crossed(self) -> bool:
        return any(path.stat().st_size for path in self._scratch.glob("data/a.heartbeats-0/*.log"))

    def _until(self, child: Child, done: Callable[[], bool]) -> None:
        ready.until(lambda: child.pid is None or done(), deadline_s=_START_DEADLINE_S, what=f"the {child.name}")
        if child.pid is None:
            raise LabError(f"the {child.name} {child.end}; its log ends:\n{child.tail()}")

    def _end(self, child: Child) -> None:
        child.terminate()
        if not child.wait(_END_DEADLINE_S):
            raise LabError(f"the {child.name} did not end within {_END_DEADLINE_S:g} s")
        if not (self._out / f"{child.name}.jsa").exists():
            raise LabError(f"the {child.name} left no archive; its log ends:\n{child.tail()}")
