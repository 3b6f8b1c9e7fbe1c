"""Which settings each component of Kafka knows, and which of them are the lab's own.

Kafka itself only warns of a key that it does not know, in a log, and goes on without; a mirror not even that. So a
typing error would be a setting that was never made. The names stand in ``keys/``, one file for each component, read
from the jars by ``scripts/kafka_keys.py``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources

from ...errors import SpecError
from .versions import Version, parse

SITE = "@{site}"
HUB = "hub"
FLOW = f"{SITE}->{HUB}."

_NO_BYPASS = "the lab sets it so that nothing goes round the proxy"
_ACCOUNT = "the lab sets it, and finds what was stored by it"
_BROKER_LAB: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "listeners",
            "advertised.listeners",
            "listener.security.protocol.map",
            "inter.broker.listener.name",
            "security.inter.broker.protocol",
            "control.plane.listener.name",
            "controller.listener.names",
            "controller.quorum.voters",
            "controller.quorum.bootstrap.servers",
            "early.start.listeners",
            "zookeeper.connect",
        ),
        _NO_BYPASS,
    ),
    **dict.fromkeys(("node.id", "broker.id", "process.roles", "log.dir", "log.dirs", "metadata.log.dir"), _ACCOUNT),
    "log.message.timestamp.type": "the lab measures with the stamps of the hub's own clock",
    "auto.create.topics.enable": "the lab makes the topics, with the settings that it was asked for",
}
_MIRROR_LAB: Mapping[str, str] = {
    **dict.fromkeys((f"{HUB}.bootstrap.servers", f"{SITE}.bootstrap.servers", "bootstrap.servers"), _NO_BYPASS),
    **dict.fromkeys(("clusters", f"{FLOW}enabled", f"{HUB}->{SITE}.enabled", f"{HUB}.group.id"), _ACCOUNT),
    **dict.fromkeys((f"{FLOW}topics", "topics", f"{FLOW}topics.exclude", "topics.exclude"), _ACCOUNT),
    **dict.fromkeys(
        tuple(f"{scope}replication.policy.{tail}" for scope in ("", FLOW) for tail in ("class", "separator")),
        "the lab reads the hub's topics by the names that MirrorMaker gives them as shipped",
    ),
    **dict.fromkeys(
        tuple(f"{HUB}.{kind}.storage.topic" for kind in ("config", "offset", "status")),
        "the lab reads the mirror's position and state from these topics",
    ),
}  # fmt: skip
_CLIENT_LAB: Mapping[str, str] = {
    "bootstrap.servers": _NO_BYPASS,
    **dict.fromkeys(("key.serializer", "value.serializer", "partitioner.class", "interceptor.classes"), _ACCOUNT),
    "transactional.id": "the lab's publishers send message by message",
}
_STORAGES = (
    "offset.storage.",
    "config.storage.",
    "status.storage.",
    "key.converter",
    "value.converter",
    "header.converter",
)
_NUMBERS = (".ms", ".bytes", ".size", ".memory")
_COUNTS = ("retries", "max.in.flight.requests.per.connection")
_WORDS = {"acks": ("all", "-1", "0", "1"), "enable.idempotence": ("true", "false")}


def check_broker(field: str, keys: Iterable[str], version: Version) -> None:
    """Refuse what a broker does not know, and what the lab sets.

    Raises:
        SpecError: the message names the key.
    """
    for key in keys:
        _refuse_ours(field, key, _BROKER_LAB)
        if key.startswith("listener.name."):
            tail = key.split(".", 3)[-1]
            names = {f"{key[: -len(tail)]}{name}" for name in known("broker", version)}
            _refuse_unknown(field, key, names if ".sasl." not in key else {key}, f"a broker of Kafka {_text(version)}")
        else:
            _refuse_unknown(field, key, known("broker", version), f"a broker of Kafka {_text(version)}")


def check_mirror(field: str, keys: Iterable[str], version: Version) -> None:
    """The same for a mirror's keys, written as in ``mm2.properties``, with ``@{site}`` for the site's cluster."""
    names = mirror_names(version)
    for key in keys:
        _refuse_ours(field, key, _MIRROR_LAB)
        if key.startswith(f"{SITE}.") and key not in names and key.removeprefix(f"{SITE}.") in known("worker", version):
            fitting = key.replace(SITE, HUB, 1)
            raise SpecError(f"{field} must not set {key!r}: the mirror's worker belongs to the hub; write {fitting!r}")
        _refuse_unknown(field, key, names, f"a mirror of Kafka {_text(version)}")


def check_producer(field: str, lines: Mapping[str, str], version: Version) -> None:
    """The same for a publisher's lines, in the words of Kafka's Java producer; and for values of the wrong kind.

    The client library says so, too, but only once all is up.
    """
    for key, value in lines.items():
        _refuse_ours(field, key, _CLIENT_LAB)
        _refuse_unknown(field, key, known("producer", version), f"a producer of Kafka {_text(version)}")
        if (key in _COUNTS or key.endswith(_NUMBERS)) and not re.fullmatch(r"-?\d+", value):
            raise SpecError(f"{field} must give {key!r} a whole number, not {value!r}")
        words = _WORDS.get(key)
        if words and value not in words:
            raise SpecError(f"{field} must give {key!r} one of {', '.join(words)}, not {value!r}")


@cache
def known(component: str, version: Version) -> frozenset[str]:
    """Names that ``component`` knows: those of the nearest versions that were read, below and above."""
    lines = resources.files(__package__).joinpath("keys", f"{component}.txt").read_text("utf-8").splitlines()
    read = sorted(parse(word.rstrip(",;")) for word in lines[0].split() if word[0].isdigit())
    below = max((v for v in read if v <= version), default=read[0])
    above = min((v for v in read if v >= version), default=read[-1])
    near = {_text(below), _text(above)}
    words = [line.split() for line in lines[1:]]
    return frozenset(name for name, *having in words if not having or near & set(having))


@cache
def mirror_names(version: Version) -> frozenset[str]:
    """Every key that ``mm2.properties`` may hold, prefixes and all."""
    connector, client = known("connector", version), known("client", version)
    worker, mirror = known("worker", version), known("mirror", version)
    clients = {f"{kind}.{name}" for kind in ("producer", "consumer", "admin") for name in known(kind, version)}
    of_flow = connector | {f"{end}.{name}" for end in ("source", "target") for name in clients} | clients
    of_flow |= {f"producer.override.{name}" for name in known("producer", version)}
    return frozenset(
        connector
        | mirror
        | {name for name in worker if name.startswith(_STORAGES)}
        | {f"{HUB}.{name}" for name in worker | client | clients}
        | {f"{SITE}.{name}" for name in client | clients}
        | {f"{FLOW}{name}" for name in of_flow}
    )


def _text(version: Version) -> str:
    return ".".join(map(str, version))


def _refuse_ours(field: str, key: str, ours: Mapping[str, str]) -> None:
    if key in ours:
        raise SpecError(f"{field} must not set {key!r}: {ours[key]}")


def _refuse_unknown(field: str, key: str, names: Iterable[str], who: str) -> None:
    names = names if isinstance(names, (set, frozenset)) else set(names)
    if key in names:
        return
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.6)
    hint = f"; the nearest that it knows is {near[0]!r}" if near else ""
    raise SpecError(f"{field} must not set {key!r}, which {who} does not know{hint}")
