#!/bin/sh
# The mirror of site-1.
set -eu
java=${EDGELAB_JAVA:-java}
libs=${EDGELAB_KAFKA_LIBS:-/opt/kafka/libs}
# Times in the log are UTC on any machine: the lab compares them with its own clock.
set -- -Xmx268435456 -XX:+UseSerialGC -Xss512k -Duser.timezone=UTC '-Dlog4j2.configurationFile=file:/etc/edgelab/log4j.properties'
archive=${EDGELAB_CDS:-}/mirror.jsa
if [ -f "$archive" ]; then
  set -- "-XX:SharedArchiveFile=$archive" "$@"
fi
exec "$java" "$@" -cp "$libs/*" org.apache.kafka.connect.mirror.MirrorMaker '/etc/edgelab/mm2.properties'
