"""Whether a Kafka broker answers, asked from a thread of its own."""

from __future__ import annotations

import socket
import threading
import time

from .kafka_wire import API_VERSIONS, request


class Answering:
    """One question to a broker: connects, asks for its versions, and waits for the answer.

    A connection alone proves nothing: a proxy may take it for a broker that it cannot reach.

    Attributes:
        done: whether it is known.
        trouble: why the broker does not answer; empty: it does.
    """

    def __init__(self, address: str, timeout_s: float) -> None:
        host, _, port = address.rpartition(":")
        self._address = (host, int(port))
        self._timeout_s = timeout_s
        self.done = False
        self.trouble = ""
        threading.Thread(target=self._ask, daemon=True, name=f"asks {address}").start()

    def _ask(self) -> None:
        end = time.monotonic() + self._timeout_s
        try:
            with socket.create_connection(self._address, self._timeout_s) as connection:
                connection.settimeout(max(0.001, end - time.monotonic()))
                connection.sendall(request(API_VERSIONS, 0, 1))
                if not connection.recv(4):
                    self.trouble = "the connection was closed"
        except TimeoutError:
            self.trouble = "no answer"
        except OSError as error:
            self.trouble = (error.strerror or str(error)).lower()
        self.done = True
