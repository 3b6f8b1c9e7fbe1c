"""What each fault stands for, in plain words for a reader of the report; :mod:`edgelab.model.faults` is the source."""

from __future__ import annotations

_OUTAGES = {
    "stall": (
        "a radio gap: nothing moves on the link, but nothing is lost in flight either, because TCP would retransmit. "
        "The connection survives, and what was under way arrives afterwards."
    ),
    "cut": (
        "a router or proxy that restarts: both ends see the connection close, and cannot open it again until the "
        "fault clears. What was in flight is gone."
    ),
    "silent": (
        "a connection that has died without telling anyone, as behind an expired NAT mapping: bytes vanish, the "
        "connection looks open, and noticing is up to the broker's own pings. The proxy closes such connections when "
        "the fault clears, so a broker that had not noticed by then is not credited with a detection, and recovers "
        "sooner than it would behind a real dead mapping."
    ),
}
_OTHERS = {
    "Latency": "a longer path: every byte arrives later by the stated time in each direction, in order.",
    "Throttle": (
        "a slow link: each TCP connection carries at most the stated rate. A broker that opens several connections "
        "gets it several times."
    ),
    "Kill": "a crash: the process is killed at once, and started again when the fault clears. Its disk survives.",
    "Pause": "a process that hangs: it does not run, and does not know it, until the fault clears.",
}
_PARTITION = " It began and ended on all the links named together."


def meaning(fault: str, kind: str) -> str:
    """What a fault of this class and kind stands for; empty if it is not one of the lab's."""
    if fault in {"Outage", "Partition"}:
        words = next((text for name, text in _OUTAGES.items() if kind.startswith(name)), "")
        return words + (_PARTITION if fault == "Partition" and words else "")
    return _OTHERS.get(fault, "")
