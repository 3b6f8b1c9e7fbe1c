"""What each version of nats-server can do, and how a leaf is kept from going round its link.

**The trap.** A hub tells each leaf its own address (``leafnode_urls`` in INFO); the leaf adds it to the list that it
walks when it reconnects. So a second into an outage of the proxy a leaf connects straight to the hub, and the outage
looks harmless. Closed as follows, on hub and leaf alike; found by reading ``server/leafnode.go`` and ``opts.go`` of
each version named, and by cutting a real link:

=================  =======================  ======================  =========================================
nats-server        hub: ``no_advertise``    leaf: ``ignore_``       closed by
                                            ``discovered_servers``
=================  =======================  ======================  =========================================
2.9.25             accepted, does nothing   unknown field           an advertised address that no leaf can use
2.10.12 to 2.10.27 accepted, does nothing   unknown field           the same
2.11.0 to 2.11.17  accepted, does nothing   unknown field           the same
2.12.1 to 2.12.15  accepted, does nothing   unknown field           the same
2.14.0 to 2.14.9   accepted, does nothing   works                   the same, and the leaf's option
2.15.0 to 2.15.2   works                    works                   both options
=================  =======================  ======================  =========================================

Read in source: 2.9.25, 2.10.12, 2.10.20, 2.10.27, 2.11.0, 2.11.6, 2.11.17, 2.12.1, 2.12.15, 2.14.0, 2.14.9, 2.15.0,
2.15.1, 2.15.2. Run: see ``tests/systems/test_nats_bypass.py``; the versions it names by hand, the two it needs always.

**The unusable address.** ``advertise: "not advertised:9"`` passes the server's own check of host and port, but a leaf
cannot parse ``nats-leaf://not advertised:9``: it logs ``Error parsing url`` and leaves the address out. Its list then
holds the proxy alone. A dead but well-formed address would not do: after each (re)connect the discovered address
stands *first* in the list (``doUpdateLNURLs``), so the first dial after every loss would be wasted on it, which costs
one reconnect interval and more, however often the proxy is repeated behind it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ...errors import SpecError

NEWEST = "2.15.2"
OLDEST = (2, 9, 0)
UNUSABLE_ADDRESS = "not advertised:9"

_PATTERN = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})(-[A-Za-z0-9.]{1,20})?")


class Version(NamedTuple):
    """A version of nats-server."""

    major: int
    minor: int
    patch: int

    @property
    def ignores_discovered(self) -> bool:
        """Whether a leaf's remote takes ``ignore_discovered_servers``."""
        return self >= (2, 14, 0)

    @property
    def can_hide_hub(self) -> bool:
        """Whether ``no_advertise`` in the hub's ``leafnodes`` does what it says."""
        return self >= (2, 15, 0)

    @property
    def has_durable_sources(self) -> bool:
        """Whether a stream can take from a durable consumer (``ack_policy: flow_control``, API level 4)."""
        return self >= (2, 14, 0)

    @property
    def takes_reconnect_fractions(self) -> bool:
        """Whether ``leafnodes.reconnect`` takes a duration; before, it takes whole seconds only."""
        return self >= (2, 10, 0)


def parse(text: object) -> Version:
    """``"2.10.12"`` as a version.

    Raises:
        SpecError: it is none, or one that the lab does not know how to keep on its link.
    """
    match = _PATTERN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise SpecError(f"version must be that of a nats-server, such as {NEWEST}, not {text!r}")
    version = Version(*(int(part) for part in match.groups()[:3]))
    if version < OLDEST:
        raise SpecError(f"version must be at least {'.'.join(map(str, OLDEST))}, not {text!r}")
    if version.major > 2:
        raise SpecError(f"version must be below 3.0.0, which did not exist when this was written, not {text!r}")
    return version
