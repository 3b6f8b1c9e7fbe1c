#!/bin/sh
# The broker of hub.
set -eu
java=${EDGELAB_JAVA:-java}
libs=${EDGELAB_KAFKA_LIBS:-/opt/kafka/libs}
# Times in the log are UTC on any machine: the lab compares them with its own clock.
set -- -Xmx209715200 -XX:+UseSerialGC -Xss512k -Duser.timezone=UTC '-Dlog4j2.configurationFile=file:/etc/edgelab/log4j.properties'
archive=${EDGELAB_CDS:-}/broker.jsa
if [ -f "$archive" ]; then
  set -- "-XX:SharedArchiveFile=$archive" "$@"
fi
mkdir -p "/data"
if [ ! -f "/data/log/meta.properties" ]; then
  "$java" "$@" -Xms8m -Xmx64m -cp "$libs/*" kafka.tools.StorageTool format --ignore-formatted -t CNM1A-4n1MEwVdDO_sXnMA -c "/etc/edgelab/server.properties"
fi
exec "$java" "$@" -cp "$libs/*" kafka.Kafka '/etc/edgelab/server.properties'
