"""What a client loses that publishes across the link, and retries."""

from __future__ import annotations

from edgelab import Load, Scenario, checks
from edgelab.systems import NatsDirect
from edgelab.systems.nats.versions import NEWEST

from ._outage import outage_scenario


def nats_direct_outage(
    *,
    sites: int = 1,
    rate_hz: float = 100.0,
    size_bytes: int = 1000,
    publishers: int = 1,
    before_s: float = 5.0,
    outage_s: float = 30.0,
    after_s: float = 10.0,
    kind: str = "cut",
    direction: str = "both",
    attempts: int = 5,
    ack_timeout_s: float = 2.0,
    backoff_s: float = 0.25,
    version: str = NEWEST,
    seed: int = 1,
) -> Scenario:
    """Clients publish across the link into the hub's stream, with ids and bounded retry, and the link goes once.

    Must hold: every loss is explained, and nothing is stored twice.

    Args:
        sites: how many.
        rate_hz: messages per second and site.
        size_bytes: payload of each message.
        publishers: clients per site.
        before_s: traffic before the outage, seconds.
        outage_s: length of the outage, seconds.
        after_s: traffic after the outage, seconds.
        kind: ``stall`` (radio gap), ``cut`` (connection closes) or ``silent`` (bytes vanish unseen).
        direction: ``both``, ``up`` or ``down``.
        attempts: tries of one message before the client gives up.
        ack_timeout_s: how long one try waits for its answer, seconds.
        backoff_s: pause before the next try, seconds.
        version: of nats-server, at site and hub.
        seed: of everything random.
    """
    return outage_scenario(
        "nats_direct_outage",
        NatsDirect(version=version, attempts=attempts, ack_timeout_s=ack_timeout_s, backoff_s=backoff_s),
        (checks.all_losses_explained(), checks.no_duplicates()),
        Load(rate_hz=rate_hz, size_bytes=size_bytes, publishers=publishers),
        sites=sites,
        phases_s=(before_s, outage_s, after_s),
        kind=kind,
        direction=direction,
        seed=seed,
    )
