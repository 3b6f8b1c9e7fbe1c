"""Small made-up runs, told event by event, for tests of the analysis: no broker took part in them.

:mod:`.synthetic` makes whole runs of any size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..history import RECORD, Kind, Outcome, Records
from ..model.measured import Evidence, LogEvent, MeasuredWindow
from ..model.schedule import Schedule
from ..model.workload import Load, Workload
from .facts import Facts

START_NS = 1_700_000_000_000_000_000
_ANSWERS = {"acknowledged": Outcome.ACKNOWLEDGED, "failed": Outcome.FAILED, "unknown": Outcome.UNKNOWN}
Answer = Literal["acknowledged", "failed", "unknown"]


def at(seconds: float) -> int:
    """An instant of a made-up run: ``seconds`` after its second 0."""
    return START_NS + round(seconds * 1e9)


ABOUT: Mapping[str, Any] = {
    "scenario": "made_up",
    "system": "made-up",
    "runtime": "process",
    "plane": "proxy",
    "versions": {"nats-server": "2.10.12", "toxiproxy": "2.12.0"},
    "seed": 1,
    "command": "edgelab run made_up --seed 1",
    "confirms": True,
    "start_ns": START_NS,
    "publish_end_ns": at(60.0),
    "drain_end_ns": at(90.0),
    "drain": "everything acknowledged is at the hub",
    "usage": pd.DataFrame({"t_ns": [], "service": [], "rss_bytes": [], "cpu_s": []}),
}
"""What every made-up run says of itself."""


@dataclass(slots=True)
class Story:
    """A history told event by event. Times are seconds of the schedule; sites are indices.

    Attributes:
        sites: their names.
        records / stored / held / progress / sessions: what has been told so far.
        windows / log_events: measured windows, and logs by site.
    """

    sites: tuple[str, ...] = ("site-1",)
    records: list[dict[str, int]] = field(default_factory=list)
    stored: list[dict[str, int]] = field(default_factory=list)
    held: list[dict[str, int]] = field(default_factory=list)
    progress: list[dict[str, int]] = field(default_factory=list)
    sessions: list[dict[str, int]] = field(default_factory=list)
    windows: list[MeasuredWindow] = field(default_factory=list)
    log_events: dict[str, list[LogEvent]] = field(default_factory=dict)

    def sent(
        self,
        sequence: int,
        sent_s: float,
        *,
        due_s: float | None = None,
        answer: Answer | None = "acknowledged",
        answered_s: float | None = None,
        site: int = 0,
        publisher: int = 0,
        position: int = 0,
        reason: int = 0,
    ) -> None:
        """A message is published, and answered 1 ms later unless said otherwise."""
        who = {"sequence": sequence, "site": site, "publisher": publisher}
        due_ns = at(sent_s if due_s is None else due_s)
        self.records.append({"kind": Kind.INVOKE, "t_ns": at(sent_s), "value": due_ns, **who})
        if answer is not None:
            self.answered(
                sequence, sent_s + 0.001 if answered_s is None else answered_s, answer, position=position,
                reason=reason, site=site, publisher=publisher,
            )  # fmt: skip

    def answered(
        self, sequence: int, answered_s: float, answer: Answer, *, position: int = 0, reason: int = 0, **who: int
    ) -> None:
        """A message is answered."""
        self.records.append(
            {
                "kind": Kind.OUTCOME,
                "t_ns": at(answered_s),
                "code": _ANSWERS[answer],
                "sequence": sequence,
                "position": position,
                "value": reason,
                "stream": 1,
                **who,
            }
        )

    def at_hub(
        self, sequence: int, stored_s: float | None, *, position: int, site: int = 0, stream: int = 0, said: int = 0
    ) -> None:
        """The hub has a copy; ``stored_s`` None where it keeps no stamp of its own."""
        self.stored.append(
            {
                "kind": Kind.STORED,
                "t_ns": 0 if stored_s is None else at(stored_s),
                "sequence": sequence,
                "position": position,
                "site": site,
                "stream": stream,
                "value": said,
            }
        )

    def at_site(self, sequence: int, *, site: int = 0) -> None:
        """The site's store still holds a message."""
        self.held.append({"kind": Kind.HELD, "sequence": sequence, "site": site})

    def reading(self, read_s: float, position: int, *, stream: int = 0) -> None:
        """The observer reads a hub store's last position."""
        self.progress.append({"kind": Kind.PROGRESS, "t_ns": at(read_s), "position": position, "stream": stream})

    def hub_sees(self, seen_s: float, *, up: bool, site: int = 0) -> None:
        """The hub sees a session come or go."""
        self.sessions.append({"kind": Kind.SESSION, "t_ns": at(seen_s), "code": int(up), "site": site})

    def logged(self, logged_s: float, kind: Literal["closed", "established", "dial", "trouble"], **how: Any) -> None:
        """A site's broker writes a line: ``site`` (its name) and ``detail`` may be given."""
        event = LogEvent(at(logged_s), kind, how.get("detail", ""))
        self.log_events.setdefault(how.get("site", self.sites[0]), []).append(event)

    def fault(self, start_s: float, end_s: float, *, site: str | None = "site-1", **changes: Any) -> None:
        """A window as measured: it bit and cleared, unless ``changes`` (fields of MeasuredWindow) say otherwise."""
        window = MeasuredWindow(
            window=len({w.window for w in self.windows}),
            target=site or "hub",
            site=site,
            fault="Outage",
            kind="cut",
            planned_start_ns=at(start_s),
            planned_end_ns=at(end_s),
            start_ns=at(start_s),
            end_ns=at(end_s),
            bit=True,
            cleared=True,
        )
        self.windows.append(replace(window, **changes))

    def facts(self, **changes: Any) -> Facts:
        """The facts of this story; ``changes`` are fields of :class:`~edgelab.analysis.facts.Facts`."""
        told: dict[str, Any] = {
            "sites": self.sites,
            "records": table(self.records),
            "stored": table(self.stored),
            "held": table(self.held),
            "progress": table(self.progress),
            "sessions": table(self.sessions),
            "windows": tuple(self.windows),
            "evidence": Evidence(
                windows=tuple(self.windows),
                log_events={site: tuple(events) for site, events in self.log_events.items()},
                stores=(),
            ),
            "hub_count": len(self.stored),
            "workload": Workload(duration_s=60.0, load=Load(rate_hz=1.0)),
            "schedule": Schedule(),
        }
        return Facts(**{**ABOUT, **told, **changes})


def table(lines: list[dict[str, int]]) -> Records:
    """History records from their fields."""
    records = np.zeros(len(lines), RECORD)
    for i, line in enumerate(lines):
        for name, number in line.items():
            records[name][i] = number
    return records


def no_causes(lost: pd.DataFrame, _evidence: Evidence) -> pd.Series:
    """A system that cannot explain any loss."""
    return pd.Series([None] * len(lost), index=lost.index, dtype=object)


def no_buffer(lost: pd.DataFrame, _evidence: Evidence) -> pd.Series:
    """A system that explains every loss by having no buffer."""
    return pd.Series("no buffer on core NATS", index=lost.index, dtype=object)
