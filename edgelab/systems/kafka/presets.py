"""The presets, as data: every setting with its reason. ``edgelab list systems`` shows them.

Keys of a mirror are those of ``mm2.properties``: ``hub.`` is the hub's cluster, and with it the worker that writes to
it; ``@{site}.`` is the site's; ``@{site}->hub.`` the flow between them.
"""

from __future__ import annotations

from collections.abc import Mapping

from .keys import HUB, SITE
from .settings import Setting, merged

_ONE_BROKER = "Each cluster here is a single broker, and shipped is three copies."
_ONE_WAY = "Messages flow from the site to the hub only; the reverse flow's worker is not started."
_ONE_PARTITION = "A hub for many sites: one partition for each mirror's own bookkeeping is enough."
_STAY = "The worker stays in its group through an outage shorter than this, so that its work is not given away."
_BATCH = "Larger batches: as shipped, 16 KiB at a time and one in flight, a backlog takes a round trip for each."
_FETCH = "Larger fetches from the site's broker, so that the batches can be filled."
_ONCE = "Records and the position in the site's topic are written in one transaction."

_SCAN = "Else it looks for plugins in every class of Java's own: 3 s more and 100 MB, for those that it finds anyway."

BASE: tuple[Setting, ...] = (
    Setting("emit.heartbeats.enabled", "false", _ONE_WAY),
    Setting("emit.checkpoints.enabled", "false", "No consumer group moves from the site to the hub."),
    Setting("sync.group.offsets.enabled", "false", "No consumer group moves from the site to the hub."),
    Setting("sync.topic.acls.enabled", "false", "The brokers have no access lists."),
    Setting("sync.topic.configs.enabled", "false", "A short retention at the site must not shorten the hub's."),
    Setting(
        "refresh.topics.interval.seconds", "5", "The topic may be made after the mirror has started (shipped: 600)."
    ),
    Setting("plugin.discovery", "service_load", _SCAN),
    Setting(f"{HUB}.plugin.discovery", "service_load", _SCAN),
    Setting("replication.factor", "1", _ONE_BROKER),
    Setting("offset-syncs.topic.replication.factor", "1", _ONE_BROKER),
    Setting("heartbeats.topic.replication.factor", "1", _ONE_BROKER),
    Setting("checkpoints.topic.replication.factor", "1", _ONE_BROKER),
    Setting("config.storage.replication.factor", "1", _ONE_BROKER),
    Setting("offset.storage.replication.factor", "1", _ONE_BROKER),
    Setting("status.storage.replication.factor", "1", _ONE_BROKER),
    Setting("offset.storage.partitions", "1", _ONE_PARTITION),
    Setting("status.storage.partitions", "1", _ONE_PARTITION),
)  # fmt: skip
"""What any mirror needs here; everything else is as shipped."""

_SHIPPED: tuple[Setting, ...] = (
    Setting(f"{HUB}.offset.flush.interval.ms", "60000", "As shipped: a mirror that is killed repeats up to 60 s."),
    Setting(
        f"{HUB}.scheduled.rebalance.max.delay.ms",
        "300000",
        "As shipped: work of a worker that left its group rests for up to 5 min.",
    ),
    Setting(f"{HUB}.session.timeout.ms", "10000", "As shipped: a worker unheard of for 10 s has left its group."),
    Setting(f"{HUB}.heartbeat.interval.ms", "3000", "As shipped: after 3 s without the hub it stops its own task."),
    Setting(f"{HUB}.rebalance.timeout.ms", "60000", "As shipped."),
)
_PATCHED: tuple[Setting, ...] = (
    Setting(f"{HUB}.session.timeout.ms", "60000", _STAY),
    Setting(f"{HUB}.heartbeat.interval.ms", "20000", _STAY),
    Setting(f"{HUB}.rebalance.timeout.ms", "120000", _STAY),
)
_TUNED: tuple[Setting, ...] = (
    Setting(f"{HUB}.producer.batch.size", "524288", _BATCH),
    Setting(f"{HUB}.producer.linger.ms", "20", _BATCH),
    Setting(f"{HUB}.producer.buffer.memory", "67108864", _BATCH),
    Setting(f"{HUB}.producer.max.request.size", "2097152", _BATCH),
    Setting(
        f"{HUB}.producer.reconnect.backoff.max.ms", "250", "Once the link is back, the next try to connect is near."
    ),
    Setting(f"{SITE}.consumer.max.poll.records", "5000", _FETCH),
    Setting(f"{SITE}.consumer.max.partition.fetch.bytes", "8388608", _FETCH),
)  # fmt: skip
_EXACTLY_ONCE: tuple[Setting, ...] = (
    Setting(f"{HUB}.exactly.once.source.support", "enabled", _ONCE),
    Setting("dedicated.mode.enable.internal.rest", "true", "Workers fence each other's transactions through it."),
    Setting("listeners", "http://@{listen:rest}", "Workers fence each other's transactions through it."),
    Setting(f"{SITE}.consumer.isolation.level", "read_committed", "Publishers' own transactions arrive whole or not."),
)

MIRROR: Mapping[str, tuple[Setting, ...]] = {
    "default": merged(BASE, _SHIPPED),
    "patched": merged(BASE, _SHIPPED, _PATCHED),
    "tuned": merged(BASE, _SHIPPED, _PATCHED, _TUNED),
    "exactly-once": merged(BASE, _SHIPPED, _PATCHED, _EXACTLY_ONCE),
}
"""``kafka-mirrormaker``'s, in the keys of ``mm2.properties``."""

_RECONNECT = Setting(
    "reconnect.backoff.max.ms", "1000", "As shipped by the Java client; other clients wait up to 30 s."
)
_IN_ORDER = Setting("enable.idempotence", "true", "As shipped: the broker drops a copy that was sent again.")

PUBLISHER: tuple[Setting, ...] = (
    Setting("acks", "all", "As shipped: the broker has written it before it answers."),
    Setting("linger.ms", "5", "As shipped from 4.0 on: a batch waits 5 ms for more."),
    Setting("delivery.timeout.ms", "120000", "As shipped: a message unanswered for 2 min has failed."),
    Setting("request.timeout.ms", "30000", "As shipped."),
    Setting("retries", "2147483647", "As shipped: tried again until the delivery timeout."),
    _IN_ORDER,
    _RECONNECT,
)
"""What a publisher sets, in the words of Kafka's Java producer."""

_ATTEMPTS = "A client that counts every failed try, as kafka-go does: the third ends the batch."

DIRECT: Mapping[str, tuple[Setting, ...]] = {
    "default": PUBLISHER,
    "short-timeout": merged(
        PUBLISHER,
        (
            Setting("delivery.timeout.ms", "5000", "Fresh or not at all: what is 5 s old is dropped by the client."),
            Setting("request.timeout.ms", "2000", "Must fit into the delivery timeout."),
        ),
    ),
    "three-attempts": (
        Setting("acks", "all", "The broker has written it before it answers."),
        Setting("attempts", "3", _ATTEMPTS),
        Setting("attempts.batch.ms", "100", "A batch is sent after 100 ms …"),
        Setting("attempts.batch.messages", "100", "… or when it holds 100 messages."),
        Setting("attempts.backoff.ms", "100", "Pause before the next attempt."),
        Setting("attempts.timeout.ms", "10000", "How long one attempt waits for its answer."),
    ),
}
"""``kafka-direct``'s, in the words of the Java producer; ``attempts`` are the publishing agent's own."""
