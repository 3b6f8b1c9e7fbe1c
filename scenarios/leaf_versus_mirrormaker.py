"""NATS leaf nodes and Kafka's MirrorMaker 2 through the same outage: which loses what, and is back when?"""

from __future__ import annotations

import re

from edgelab import Load, SpecError, checks
from edgelab.model.comparison import Comparison

from ._named_system import named_system
from ._outage import outage_scenario

_LONGEST_NAME = 40  # of a scenario


def leaf_versus_mirrormaker(
    *,
    systems: str = "nats-leaf,nats-leaf-core,kafka-mirrormaker:default,kafka-mirrormaker:tuned",
    sites: int = 1,
    rate_hz: float = 500.0,
    size_bytes: int = 1000,
    publishers: int = 1,
    before_s: float = 5.0,
    outage_s: float = 5.0,
    after_s: float = 10.0,
    kind: str = "cut",
    direction: str = "both",
    seed: int = 1,
    drain_deadline_s: float = 400.0,
) -> Comparison:
    """Several systems, one after another, through the same outage under the same traffic; then side by side.

    Must hold, of each: every loss is explained. Plain NATS (``nats-leaf-core``) is expected to lose.

    The outage is so short that MirrorMaker keeps its place. A Kafka broker takes a worker for dead that it has not
    heard of for 10 s, and hears of it every 3 s: from about 7 s on it may, from 10 s on it will. With ``outage_s=15``,
    MirrorMaker as shipped (``default``) then comes back only when the time for which its work is kept for that worker
    is over, some 300 s after the link (scheduled.rebalance.max.delay.ms); ``tuned`` comes back at once.

    Args:
        systems: what is compared, with commas between: ``NAME``, ``NAME:PRESET``, ``NAME@VERSION``,
            ``NAME:PRESET@VERSION``. The names of systems and their presets: ``edgelab list systems``.
        sites: how many.
        rate_hz: messages per second and site.
        size_bytes: payload of each message.
        publishers: clients per site.
        before_s: traffic before the outage, seconds.
        outage_s: length of the outage, seconds.
        after_s: traffic after the outage, seconds.
        kind: ``stall`` (radio gap), ``cut`` (connection closes) or ``silent`` (bytes vanish unseen).
        direction: ``both``, ``up`` or ``down``.
        seed: of everything random.
        drain_deadline_s: how long after the last message the hub may take to get what it is owed, seconds.
    """
    labels = [words.strip() for words in systems.split(",") if words.strip()]
    if len(labels) < 2:
        raise SpecError(f"systems must name at least two, with commas between, not {systems!r}")
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise SpecError(f"systems must name each once, not {twice!r} twice")
    entries = [
        (
            label,
            outage_scenario(
                _name_of(label),
                named_system(label),
                (checks.all_losses_explained(),),
                Load(rate_hz=rate_hz, size_bytes=size_bytes, publishers=publishers),
                sites=sites,
                phases_s=(before_s, outage_s, after_s),
                kind=kind,
                direction=direction,
                seed=seed,
                drain_deadline_s=drain_deadline_s,
            ),
        )
        for label in labels
    ]
    return Comparison(name="leaf_versus_mirrormaker", entries=tuple(entries))


def _name_of(label: str) -> str:
    """The label as a name of a run folder."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower())[:_LONGEST_NAME].strip("-")
