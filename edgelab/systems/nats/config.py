"""Texts of configurations: the lab's own, and checks of what users put in their place.

Lines and texts of the user's may hold the placeholders of :mod:`edgelab.model.topology`, and ``@{site}`` for the
name of the site.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ...errors import SpecError
from ...model.topology import PROXY
from .versions import UNUSABLE_ADDRESS, Version

SITE = "@{site}"
_OURS = ("server_name", "listen", "host", "port", "net", "http", "http_port", "monitor_port", "leafnodes", "leaf")
_LINK = f"@{{dial:{PROXY}:link-{SITE}}}"
_ROUND = "@{dial:hub:"
_COMMENT_OR_TEXT = re.compile(r""""(?:\\.|[^"\\])*"|'[^']*'|(?:#|//)[^\n]*""")
_KEY = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)")


def duration(seconds: float) -> str:
    """As nats-server writes durations."""
    return f"{seconds * 1e3:.0f}ms"


def hub_text(
    version: Version, *, leaves: bool, domain: str | None = "hub", pings: Iterable[str] = (), extra: str = ""
) -> str:
    """Configuration of the hub, with a store; ``leaves`` tells whether it takes leaf connections."""
    lines = ["# The hub.", 'server_name: "hub"', *_head(debug=False), *pings, _store(domain)]
    if leaves:
        closure = "no_advertise: true" if version.can_hide_hub else f'advertise: "{UNUSABLE_ADDRESS}"'
        lines += ["leafnodes {", '  listen: "@{listen:leaf}"', f"  {closure}", "}"]
    return _joined(lines, extra)


def site_text(
    version: Version, *, store: bool, reconnect_s: float | None, pings: Iterable[str] = (), extra: str = ""
) -> str:
    """Configuration of a site's broker, whose only remote is the proxy; ``store`` gives it JetStream.

    ``@{site}`` is still in it.
    """
    lines = ["# The broker of one site.", f'server_name: "{SITE}"', *_head(debug=True), *pings]
    if store:
        lines.append(_store(SITE))
    lines.append("leafnodes {")
    if reconnect_s is not None:
        interval = f'"{duration(reconnect_s)}"' if version.takes_reconnect_fractions else f"{reconnect_s:.0f}"
        lines.append(f"  reconnect: {interval}")
    blind = ", ignore_discovered_servers: true" if version.ignores_discovered else ""
    lines += [f'  remotes: [ {{ url: "nats-leaf://{_LINK}"{blind} }} ]', "}"]
    return _joined(lines, extra)


def pings(ping_interval_s: float | None, ping_max: int | None) -> tuple[str, ...]:
    """The lines for the broker's own pings."""
    lines = []
    if ping_interval_s is not None:
        lines.append(f'ping_interval: "{duration(ping_interval_s)}"')
    if ping_max is not None:
        lines.append(f"ping_max: {ping_max}")
    return tuple(lines)


def check_extra(field: str, text: object, *, store: bool) -> None:
    """Refuse further lines that would replace what the lab relies on.

    Raises:
        SpecError: they set such a key; the message names it.
    """
    if not isinstance(text, str):
        raise SpecError(f"{field} must be text, not {text!r}")
    ours = (*_OURS, *(("jetstream", "store_dir") if store else ()))
    for key in _top_level_keys(text):
        if key.lower() in ours:
            whole = field.removeprefix("extra_")
            raise SpecError(f"{field} must not set {key!r}, which the lab sets; use {whole} for a text of your own")


def check_site(text: object, *, store: bool) -> None:
    """Refuse a whole configuration of a site's broker that the lab could not work with.

    Raises:
        SpecError: it lacks something; the message says what and why.
    """
    _check_placeholders("site_config", text, ("client", "monitor"))
    assert isinstance(text, str)  # noqa: S101 - checked by the line above, mypy cannot see it
    _need("site_config", text, _LINK, "an address of a leaf remote: the link is the only way to the hub")
    _need("site_config", text, SITE, "server_name, by which the hub knows the site")
    if _ROUND in _stripped(text):
        raise SpecError(f"site_config must not hold {_ROUND}…}}: it would lead round the link")
    if not re.search(r"\bdebug\b", _stripped(text)):
        raise SpecError("site_config must set debug: true: only debug lines show which address a leaf dials")
    if store and not re.search(r'\bdomain\s*[:=]?\s*"?@\{site\}', text):
        raise SpecError(f"site_config must set jetstream.domain to {SITE}: the hub finds the site's store by it")


def check_hub(text: object, version: Version, *, leaves: bool) -> None:
    """Refuse a whole configuration of the hub that the lab could not work with.

    Raises:
        SpecError: it lacks something; the message says what and why.
    """
    _check_placeholders("hub_config", text, ("client", "monitor", *(("leaf",) if leaves else ())))
    assert isinstance(text, str)  # noqa: S101 - checked by the line above, mypy cannot see it
    bare = _stripped(text)
    if not re.search(r"\b(jetstream|store_dir)\b", bare):
        raise SpecError("hub_config must set jetstream: what arrives at the hub is counted in a stream")
    if leaves and not re.search(r"\bno_advertise\b" if version.can_hide_hub else r"(?<!no_)\badvertise\b", bare):
        wanted = "no_advertise: true" if version.can_hide_hub else f'advertise: "{UNUSABLE_ADDRESS}"'
        raise SpecError(f"hub_config must set leafnodes.{wanted}: else leaves go round the link")


def _check_placeholders(field: str, text: object, ports: Iterable[str]) -> None:
    if not isinstance(text, str) or not text.strip():
        raise SpecError(f"{field} must be the text of a configuration, not {text!r}")
    for port in ports:
        _need(field, text, f"@{{listen:{port}}}", "the address of a listener that the lab uses")
    if not re.search(r"\blogtime_utc\b", _stripped(text)):
        raise SpecError(f"{field} must set logtime_utc: true: the lab compares log lines with its own clock")


def _need(field: str, text: str, wanted: str, why: str) -> None:
    if wanted not in text:
        raise SpecError(f"{field} must hold {wanted} ({why}), which it does not")


def _head(*, debug: bool) -> tuple[str, ...]:
    # debug: a site's dials are logged at no other level. logtime_utc: the same on any machine, in any container.
    lines = ('listen: "@{listen:client}"', 'http: "@{listen:monitor}"', "logtime: true", "logtime_utc: true")
    return (*lines, "debug: true") if debug else lines


def _store(domain: str | None) -> str:
    name = "" if domain is None else f'domain: "{domain}", '
    return f'jetstream {{ {name}store_dir: "@{{data}}" }}'


def _joined(lines: Iterable[str], extra: str) -> str:
    text = "\n".join(lines) + "\n"
    return text if not extra.strip() else f"{text}# Lines of the user's.\n{extra.strip()}\n"


def _stripped(text: str) -> str:
    """``text`` without comments; quoted text stays."""
    return _COMMENT_OR_TEXT.sub(lambda match: match[0] if match[0][0] in "\"'" else "", text)


def _top_level_keys(text: str) -> Iterator[str]:
    depth = 0
    # Quoted text and placeholders may hold braces of their own.
    bare = _COMMENT_OR_TEXT.sub(lambda match: '""' if match[0][0] in "\"'" else "", text)
    bare = re.sub(r"@\{[^{}\n]*\}", "", bare)
    for line in re.split(r"[\n;,]|(?<=[{}\[\]])", bare):
        if depth == 0 and (match := _KEY.match(line)):
            yield match[1]
        depth += len(re.findall(r"[{\[(]", line)) - len(re.findall(r"[}\])]", line))
