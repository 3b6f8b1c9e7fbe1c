"""The scripts that start a JVM of Kafka's, and what it logs.

A script runs as it is in a container of the official image and as a local process: the runtime names the Java, the
jars and the archives of loaded classes in environment variables.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from ...model.topology import ConfigFile
from .versions import Version

SCRIPT = "start.sh"
ARGUMENTS = (f"@{{file:{SCRIPT}}}",)
_LOGGING = "log4j.properties"
_QUIET = {
    # They print every setting of every client at each start, some 4,000 lines.
    "WARN": (
        "kafka.server.KafkaConfig",
        "org.apache.kafka.clients.admin.AdminClientConfig",
        "org.apache.kafka.clients.consumer.ConsumerConfig",
        "org.apache.kafka.clients.producer.ProducerConfig",
        "org.apache.kafka.common.config.AbstractConfig",
        "org.apache.kafka.common.metrics",
        "org.apache.kafka.common.telemetry",
        "org.apache.kafka.common.utils.AppInfoParser",
        "org.apache.kafka.connect.json.JsonConverterConfig",
        "org.apache.kafka.connect.mirror.MirrorCheckpointConfig",
        "org.apache.kafka.connect.mirror.MirrorHeartbeatConfig",
        "org.apache.kafka.connect.mirror.MirrorSourceConfig",
        "org.apache.kafka.connect.mirror.MirrorSourceTaskConfig",
        "org.apache.kafka.connect.runtime.ConnectorConfig",
        "org.apache.kafka.connect.runtime.SourceConnectorConfig",
        "org.apache.kafka.connect.runtime.TaskConfig",
        "org.apache.kafka.connect.runtime.distributed.DistributedConfig",
        "org.apache.kafka.connect.runtime.isolation",
        "org.apache.kafka.connect.runtime.standalone.StandaloneConfig",
        "org.apache.kafka.connect.transforms",
    ),
    "ERROR": ("org.reflections", "org.eclipse.jetty", "org.glassfish"),
    # At INFO it says nothing that the lab needs, and with every elected leader once.
    "OFF": ("state.change.logger",),
}
_PATTERN = "[%d{yyyy-MM-dd HH:mm:ss,SSS}] %p %m (%c)%n"
_HEAD = """\
#!/bin/sh
# {what}
set -eu
java=${{EDGELAB_JAVA:-java}}
libs=${{EDGELAB_KAFKA_LIBS:-/opt/kafka/libs}}
# Times in the log are UTC on any machine: the lab compares them with its own clock.
set -- {options}
archive=${{EDGELAB_CDS:-}}/{archive}.jsa
if [ -f "$archive" ]; then
  set -- "-XX:SharedArchiveFile=$archive" "$@"
fi
"""


def logging(version: Version) -> ConfigFile:
    """The logging of any JVM of Kafka's: all at INFO, to standard output, without the dumps of settings."""
    lines = _log4j2() if version.logs_with_log4j2 else _log4j1()
    return ConfigFile(name=_LOGGING, text="\n".join(lines) + "\n")


def script(
    *,
    what: str,
    version: Version,
    jvm: Iterable[str],
    archive: str,
    program: Iterable[str],
    before: str = "",
) -> ConfigFile:
    """A script that becomes the JVM of ``program``: its main class and arguments, which may hold placeholders.

    Args:
        what: one line for who reads it.
        version: of Kafka.
        jvm: options of the JVM.
        archive: name of the archive of loaded classes, used where the runtime has one.
        program: main class and arguments.
        before: lines to run before, with the JVM's options as ``"$@"``.
    """
    config = "log4j2.configurationFile" if version.logs_with_log4j2 else "log4j.configuration"
    options = (*jvm, "-Duser.timezone=UTC", f"-D{config}=file:@{{file:{_LOGGING}}}")
    head = _HEAD.format(what=what, options=_quoted(options), archive=archive)
    return ConfigFile(name=SCRIPT, text=f'{head}{before}exec "$java" "$@" -cp "$libs/*" {_quoted(program)}\n')


def data_folder() -> str:
    """The line that makes the data folder."""
    return 'mkdir -p "@{data}"\n'


def format_storage(cluster: str, properties: str) -> str:
    """Lines that format a KRaft broker's storage at its first start; the tool needs more than the smallest heap."""
    return (
        f'if [ ! -f "@{{data}}/log/meta.properties" ]; then\n'
        f'  "$java" "$@" -Xms8m -Xmx64m -cp "$libs/*" kafka.tools.StorageTool format --ignore-formatted -t {cluster} '
        f'-c "@{{file:{properties}}}"\n'
        "fi\n"
    )


def _quoted(words: Iterable[str]) -> str:
    return " ".join(shlex.quote(word) for word in words)


def _log4j1() -> Iterable[str]:
    yield "log4j.rootLogger=INFO, out"
    yield "log4j.appender.out=org.apache.log4j.ConsoleAppender"
    yield "log4j.appender.out.layout=org.apache.log4j.PatternLayout"
    yield f"log4j.appender.out.layout.ConversionPattern={_PATTERN}"
    for level, names in _QUIET.items():
        yield from (f"log4j.logger.{name}={level}" for name in names)


def _log4j2() -> Iterable[str]:
    yield "status=error"
    yield "appender.out.type=Console"
    yield "appender.out.name=out"
    yield "appender.out.layout.type=PatternLayout"
    yield f"appender.out.layout.pattern={_PATTERN}"
    yield "rootLogger.level=INFO"
    yield "rootLogger.appenderRef.out.ref=out"
    number = 0
    for level, names in _QUIET.items():
        for name in names:
            number += 1
            yield f"logger.quiet{number}.name={name}"
            yield f"logger.quiet{number}.level={level}"
