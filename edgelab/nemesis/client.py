"""toxiproxy-python, made safe for several labs in one process.

The library keeps host and port in a class that all its users share, sets no timeouts, and lets errors other than
400, 404 and 409 pass as answers. Here its own code runs against a consumer that belongs to one client: same
interface, own address, own kept-alive session, every call bounded, every failure a FaultError.
"""

from __future__ import annotations

import socket
import threading
from types import FunctionType
from typing import Any

import requests
import toxiproxy
import toxiproxy.api
import toxiproxy.exceptions

from ..deploy.base import Address
from ..errors import FaultError

_TIMEOUT_S = 10.0
_LIBRARY_ERRORS = (
    toxiproxy.exceptions.ProxyExists,
    toxiproxy.exceptions.NotFound,
    toxiproxy.exceptions.InvalidToxic,
)


class BoundConsumer:
    """Stands in for ``toxiproxy.api.APIConsumer``, for one address."""

    def __init__(self, address: Address, *, timeout_s: float = _TIMEOUT_S) -> None:
        self.host, self.port = address
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy for the internet has no business between the lab and its own
        self._lock = threading.Lock()  # sessions are not made for several threads

    def get(self, url: str, params: Any = None, **more: Any) -> requests.Response:
        """GET, as the library calls it."""
        return self._call("GET", url, params=params, **more)

    def delete(self, url: str, **more: Any) -> requests.Response:
        """DELETE, as the library calls it."""
        return self._call("DELETE", url, **more)

    def post(self, url: str, data: Any = None, json: Any = None, **more: Any) -> requests.Response:
        """POST, as the library calls it."""
        return self._call("POST", url, data=data, json=json, **more)

    def close(self) -> None:
        """Close the kept-alive connection."""
        with self._lock:
            self._session.close()

    def _call(self, method: str, url: str, **more: Any) -> requests.Response:
        what = f"Toxiproxy at {self.host}:{self.port}: {method} {url}"
        more.setdefault("timeout", self._timeout_s)
        try:
            with self._lock:
                answer = self._session.request(method, f"http://{self.host}:{self.port}{url}", **more)
            toxiproxy.api.validate_response(answer)
        except requests.RequestException as error:
            raise FaultError(f"{what}: no answer within {self._timeout_s:g} s ({type(error).__name__})") from error
        except _LIBRARY_ERRORS as error:
            raise FaultError(f"{what}: {_text(error)}") from error
        if answer.status_code >= 400:
            raise FaultError(f"{what}: status {answer.status_code}: {answer.text.strip()}")
        return answer


def connect(consumer: BoundConsumer) -> Any:
    """A ``toxiproxy.Toxiproxy`` whose every call, and every call of its proxies, goes through ``consumer``."""
    # The library's methods look the shared consumer up among their module's globals. They are given others.
    proxy = _rebound(toxiproxy.Proxy, APIConsumer=consumer)
    return _rebound(toxiproxy.Toxiproxy, APIConsumer=consumer, Proxy=proxy, can_connect_to=_can_connect_to)()


def _rebound(library_class: type, **names: Any) -> type:
    """A subclass with the same methods, which see ``names`` in place of their module's globals."""
    body = {
        name: FunctionType(
            method.__code__, {**method.__globals__, **names}, name, method.__defaults__, method.__closure__
        )
        for name, method in vars(library_class).items()
        if isinstance(method, FunctionType) and not hasattr(method, "__wrapped__")
    }
    return type(library_class.__name__, (library_class,), body)


def _can_connect_to(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _text(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace").strip() if isinstance(said, bytes) else str(said)
