"""Publishing rate of the lab's agents against Kafka's own ProducerPerformance, on the same broker in the same run.

Aim: at least its rate with confluent-kafka.

Usage: python -m bench.publish_kafka [--version 4.3.1] [--messages 300000]

Every message of the agent's is in its history, with an outcome; the broker's own end offset must agree. All with
acks=all, linger.ms=5 and batches of 256 KiB, one producer, one partition. The JVM of ProducerPerformance warms up
within its own measurement, as Python's interpreter starts before the agent's: the more messages, the less it matters.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import tempfile
from pathlib import Path

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from bench.agent_rate import SIZE_BYTES, Rate, agent_rate
from edgelab.deploy.java import java
from edgelab.deploy.kafka_jars import jars
from edgelab.deploy.process import ProcessRuntime
from edgelab.errors import LabError
from edgelab.systems.kafka.direct import KafkaDirect

_PRODUCER = {"acks": "all", "linger.ms": "5", "batch.size": str(256 << 10)}
_SLOW_SHARE = 5
"""kafka-python gets one message in so many: it would take as much longer."""
_RATE = re.compile(r"(\d+) records sent, ([\d.]+) records/sec")


def main() -> None:
    """Print the table."""
    options = _options()
    system = KafkaDirect(version=options.version) if options.version else KafkaDirect()
    version = system.versions["kafka"]
    print(f"publishing to Kafka {version}, {SIZE_BYTES} bytes, acks=all, one producer, one partition")
    print(f"  {'':<46}{'messages':>9}{'acked/s':>10}{'ratio':>7}   in the history = at the broker")
    with tempfile.TemporaryDirectory() as folder:
        lab = ProcessRuntime().up(system.topology(("site-1",)), Path(folder) / "lab", run_id="bench")
        try:
            address = str(lab.address("hub", "lab"))
            clients = ["kafka-python", *(["confluent"] if importlib.util.find_spec("confluent_kafka") else [])]
            _make_topics(address, ["theirs", *clients])
            theirs = _producer_performance(version, address, options.messages)
            print(f"  {'ProducerPerformance':<46}{theirs.messages:>9,}{theirs.hz:>10,.0f}{1:>7.2f}")
            for client in clients:
                messages = options.messages if client == "confluent" else options.messages // _SLOW_SHARE
                asked = {"bootstrap": address, "topic": client, "client": client, "properties": _PRODUCER}
                ours = agent_rate(
                    "publish_kafka", asked, messages=messages, folder=Path(folder) / client, answered=True
                )
                stored = _stored(address, client)
                same = "yes" if stored == ours.messages else f"NO: {stored:,} at the broker"
                print(f"  {ours.client:<46}{ours.messages:>9,}{ours.hz:>10,.0f}{ours.hz / theirs.hz:>7.2f}   {same}")
        finally:
            lab.down()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", help="of Kafka; else the newest")
    parser.add_argument("--messages", type=int, default=300_000)
    return parser.parse_args()


def _make_topics(address: str, topics: list[str]) -> None:
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1} for topic in topics})
    admin.close()


def _stored(address: str, topic: str) -> int:
    consumer = KafkaConsumer(bootstrap_servers=address)
    (end,) = consumer.end_offsets([TopicPartition(topic, 0)]).values()
    consumer.close()
    return int(end)


def _producer_performance(version: str, address: str, messages: int) -> Rate:
    producer = [f"{name}={value}" for name, value in {"bootstrap.servers": address, **_PRODUCER}.items()]
    argv = [str(java().program), "-cp", f"{jars(version).folder}/*", "org.apache.kafka.tools.ProducerPerformance"]
    argv += ["--topic", "theirs", "--num-records", str(messages), "--record-size", str(SIZE_BYTES)]
    argv += ["--throughput", "-1", "--producer-props", *producer]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    found = _RATE.findall(done.stdout)
    if done.returncode != 0 or not found:
        raise LabError(f"`{' '.join(argv)}` gave no rate:\n{done.stdout}{done.stderr}")
    return Rate(int(found[-1][0]), float(found[-1][1]))


if __name__ == "__main__":
    main()
