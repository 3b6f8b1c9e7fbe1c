"""Topics made, and every site's way to the hub open: a run may begin."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from ...deploy import log_end, ready
from ...deploy.base import Deployment
from ...errors import LabError, NotReady, SystemUnderTestError
from ...model.topology import HUB, PROXY
from . import broker, clients, states, tables
from .mirror import REST, hub_topic, service_name
from .topics import Topics

_READY_S, _READY_PER_SITE_S = 90.0, 15.0
_POLL_S = 0.1
_REFUSED = "ConfigException"
_ERROR = re.compile(r"\bERROR\b|^(Error|Exception|Unrecognized)\b")


def prepare(lab: Deployment, wanted: Topics, *, rest: bool) -> None:
    """Make the topics; return once the mirror of every site runs a task.

    A task runs when its consumer stands in the site's topic and its producer has been made: the next message goes
    through. None is sent to see it, for it would be found at the hub and never have been attempted.

    Args:
        lab: what is up.
        wanted: its topics.
        rest: whether mirrors are standalone workers, which are asked over HTTP.

    Raises:
        NotReady: one does not; the message says what it last said of itself.
        SystemUnderTestError: a broker refused a topic, or a mirror its settings.
    """
    wanted.make(lab)
    last: Mapping[str, str] = {}
    with ExitStack() as stack:
        look = _asked(lab) if rest else _noted(lab, stack)

        def waiting() -> Mapping[str, str]:
            nonlocal last
            lab.assert_alive()
            states = look()
            last = {site: str(state) for site, state in states.items() if not state.runs}
            for site, state in states.items():
                if not state.runs and _REFUSED in state.trace:  # no wait mends it
                    raise SystemUnderTestError(f"{service_name(site)} does not run: {state}")
            return last

        try:
            _until_none(lab, waiting, "the mirror of every site to run")
        except NotReady as error:
            site = min(last, default="")
            raise NotReady(f"{error}{_complaint(lab, service_name(site)) if site else ''}") from error


def prepare_direct(lab: Deployment, wanted: Topics) -> None:
    """Make the topics; return once the hub answers through the link of every site.

    Raises:
        NotReady: it does not.
        SystemUnderTestError: the hub refused a topic.
    """
    wanted.make(lab)

    def waiting() -> Mapping[str, str]:
        return {site: why for site in lab.topology.sites if (why := _unreached(lab, site))}

    _until_none(lab, waiting, "the hub to answer through the link of every site")


def _until_none(lab: Deployment, waiting: Callable[[], Mapping[str, str]], what: str) -> None:
    deadline_s = _READY_S + _READY_PER_SITE_S * len(lab.topology.sites)
    ready.until(waiting, deadline_s=deadline_s, what=what, accept=lambda sites: not sites, poll_s=_POLL_S)


def _complaint(lab: Deployment, service: str) -> str:
    """The first error in the log of ``service``, if it holds one: what comes later mostly follows from it."""
    log = lab.collect_logs().get(service)
    lines = log.read_text(errors="replace").splitlines() if log is not None and log.exists() else []
    start = next((i for i, line in enumerate(lines) if _ERROR.search(line)), None)
    if start is None:
        return ""
    return f"; the first error in the log of {service}:\n{log_end.last_lines(chr(10).join(lines[start : start + 4]))}"


def _noted(lab: Deployment, stack: ExitStack) -> Callable[[], Mapping[str, states.State]]:
    """Looks at the topics in which dedicated mirrors note their states."""
    client = stack.enter_context(clients.consumer(lab.address(HUB, broker.LAB), HUB))
    topic_of = {site: states.status_topic(site) for site in lab.topology.sites}
    table = tables.Table(client, list(topic_of.values()))

    def look() -> Mapping[str, states.State]:
        table.update()
        return {site: states.of_status(table.of(topic)) for site, topic in topic_of.items()}

    return look


def _asked(lab: Deployment) -> Callable[[], Mapping[str, states.State]]:
    return lambda: {site: states.ask_status(lab.address(service_name(site), REST)) for site in lab.topology.sites}


def _unreached(lab: Deployment, site: str) -> str:
    """Why a client of ``site`` does not get through; empty if it does."""
    (link,) = lab.topology.links_of(site)
    try:
        with clients.consumer(lab.address(PROXY, link.listen_port), HUB) as client:
            there = clients.partitions_of(client, hub_topic(site))
            client.end_offsets(there)
    except LabError as error:
        return str(error)
    return "" if there else f"the hub does not know topic {hub_topic(site)} yet"
