"""What an observer of Kafka is asked to watch, checked before it connects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from ..errors import SpecError
from ..model import validate
from .publish_spec import address, made

Count = Literal["offsets", "records"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A site's topic, which a topic at the hub copies; ``index`` of the site in the history."""

    index: int
    bootstrap: str
    topic: str
    partitions: int
    hub_topic: str

    def __post_init__(self) -> None:
        address("sources[].bootstrap", self.bootstrap)
        validate.integer("sources[].partitions", self.partitions, low=1, high=10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where sessions are seen.

    Attributes:
        tables: folder with the kernel's tables ``tcp`` and ``tcp6``; None: sessions are not seen.
        ports: at which the proxy listens, by site.
        own_network: whether the tables are of the proxy's own network (``ports`` are local there), and not of the
            network that everybody shares (there, they are the remote ones of who dialled).
    """

    tables: str | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    own_network: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """What to watch; see :mod:`.watch_kafka`."""

    bootstrap: str
    topics: Sequence[tuple[str, int]]
    count: Count = "offsets"
    sources: tuple[Source, ...] = ()
    sessions: Ports = field(default_factory=Ports)

    @classmethod
    def of(cls, options: Any, sites: Mapping[str, int]) -> WatchOptions:
        """From a spec; ``sites``: name -> index.

        Raises:
            SpecError: an option is missing, unknown, or wrong; the message names it.
        """
        if not isinstance(options, Mapping):
            raise SpecError(f"options must be an object, not {options!r}")
        fields = dict(options)
        sources = fields.get("sources") or {}
        ports = made(Ports, fields.get("sessions") or {})
        for name in (*sources, *ports.ports):
            if name not in sites:
                raise SpecError(f"options must speak of the sites {', '.join(sites)}; not of {name!r}")
        fields["sources"] = tuple(made(Source, {"index": sites[s], **source}) for s, source in sources.items())
        fields["sessions"] = ports
        fields["topics"] = tuple((str(topic), int(partitions)) for topic, partitions in fields.get("topics") or ())
        return made(cls, fields)

    def __post_init__(self) -> None:
        address("options.bootstrap", self.bootstrap)
        validate.one_of("options.count", self.count, get_args(Count))
        if not self.topics:
            raise SpecError("options.topics must name at least one topic, not []")
