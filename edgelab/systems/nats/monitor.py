"""What a nats-server's monitoring endpoint says, read synchronously."""

from __future__ import annotations

import http.client
import json
from typing import Any

from ...deploy.base import Address
from ...errors import LabError

_TIMEOUT_S = 5.0


def get(address: Address, path: str) -> dict[str, Any]:
    """The JSON at ``path``.

    Raises:
        LabError: no answer, or one that is not JSON.
    """
    connection = http.client.HTTPConnection(address.host, address.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise LabError(f"monitoring of nats-server at {address}{path} answered {answer.status}")
        found: dict[str, Any] = json.loads(body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LabError(f"monitoring of nats-server at {address}{path} failed: {error}") from error
    finally:
        connection.close()
    return found


def leaf_names(address: Address) -> set[str]:
    """Names of the servers that are connected as leaves (``name`` in ``/leafz``, there since 2.9 at least)."""
    return {str(leaf["name"]) for leaf in get(address, "/leafz").get("leafs") or ()}


def stored_messages(address: Address, streams: frozenset[str]) -> int:
    """Messages in ``streams``, all together, by ``/jsz``.

    Raises:
        LabError: a stream is not there.
    """
    accounts = get(address, "/jsz?accounts=true&streams=true").get("account_details") or ()
    found = {
        str(stream["name"]): int(stream["state"]["messages"])
        for account in accounts
        for stream in account.get("stream_detail") or ()
    }
    if missing := streams - found.keys():
        raise LabError(f"the hub's monitoring does not know the stream {min(missing)}")
    return sum(found[name] for name in streams)
