"""The contract between the lab and its agents, seen from the agent.

::

    python -m edgelab.agents.NAME SPEC.json

    stdin, a line each                        stdout, a line each
    start <ns on the run's clock>             ready           connected; waits for start
    stop   (or end of file: the lab died)     done            its work is over, by itself
                                              error {JSON}    it could not go on; exit status 3

SIGINT is ignored (Ctrl-C reaches the whole process group, and the lab decides); SIGTERM means stop. The spec holds
``agent``, ``segment``, ``journal``, ``clock_offset_ns``, ``sites`` and whatever else the agent itself wants. What an
agent has appended to its segment survives whatever becomes of it: see :mod:`edgelab.history`.

An agent module ends with::

    if __name__ == "__main__":
        main(run)
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from ..clock import Clock
from ..errors import EdgelabError, SpecError
from ..history import Journal, SegmentWriter
from ..model import validate

ERROR_STATUS = 3
_STOP_LIMIT_S = 5.0
"""An agent that has not ended this long after it was told to is ended: the lab may be dead and cannot do it."""


@dataclass(slots=True, kw_only=True)
class Agent:
    """What an agent's ``run(agent)`` works with.

    Attributes:
        spec: the whole spec.
        name: of the agent.
        clock: of the run.
        history: its segment.
        journal: for the few things that need words.
        stopping: set when the lab said stop, died, or SIGTERM came: end soon.
    """

    spec: Mapping[str, Any]
    name: str
    clock: Clock
    history: SegmentWriter
    journal: Journal
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _start_ns: int | None = None
    _started: asyncio.Event = field(default_factory=asyncio.Event)

    async def ready(self) -> int | None:
        """Tell the lab that this agent is connected; return its start time, or None when it is to stop instead."""
        tell("ready")
        waits = [asyncio.ensure_future(event.wait()) for event in (self._started, self.stopping)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return None if self.stopping.is_set() else self._start_ns

    async def stopped_within(self, seconds: float) -> bool:
        """Sleep for ``seconds``; True at once when the agent is to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), max(0.0, seconds))
        return self.stopping.is_set()

    def obey(self, line: str) -> None:
        """Take one line of the lab's."""
        word, _, rest = line.strip().partition(" ")
        if word == "start" and rest.isdigit():
            self._start_ns = int(rest)
            self._started.set()
        elif word == "stop":
            self.stopping.set()
        elif word:
            print(f"not understood: {line!r}", file=sys.stderr, flush=True)  # noqa: T201 - stderr is the agent's log


def main(run: Callable[[Agent], Awaitable[None]]) -> NoReturn:
    """Run an agent from its command line, and end the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(_status(run, sys.argv[1:]))


def tell(word: str) -> None:
    """Write one line to the lab. A lab that is gone is no reason to fail: end of file on stdin ends the agent."""
    with suppress(OSError):
        os.write(1, word.encode() + b"\n")


def read_spec(path: Path) -> dict[str, Any]:
    """The spec in a file.

    Raises:
        SpecError: it cannot be read, or a common field is missing or wrong; the message names it.
    """
    try:
        spec = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpecError(f"the agent's spec {path} cannot be read: {error}") from error
    if not isinstance(spec, dict):
        raise SpecError(f"the agent's spec {path} must be a JSON object, not {type(spec).__name__}")
    for name in ("agent", "segment", "journal"):
        if not isinstance(spec.get(name), str) or not spec[name]:
            raise SpecError(f"{name} must be a text that is not empty, not {spec.get(name)!r}")
    validate.integer("clock_offset_ns", spec.get("clock_offset_ns"), low=-(1 << 62), high=1 << 62)
    if not isinstance(spec.get("sites"), list):
        raise SpecError(f"sites must be a list, not {spec.get('sites')!r}")
    return spec


def _status(run: Callable[[Agent], Awaitable[None]], arguments: list[str]) -> int:
    try:
        stopped = _play(run, read_spec(Path(*arguments)))
    except BaseException as error:  # noqa: BLE001 - whatever it was, the lab must hear of it
        cause = _first(error)
        if not isinstance(cause, EdgelabError):
            traceback.print_exception(error)
        message = str(cause) if isinstance(cause, EdgelabError) else f"{type(cause).__name__}: {cause}"
        tell("error " + json.dumps({"error": type(cause).__name__, "message": message}))
        return ERROR_STATUS
    if not stopped:
        tell("done")
    return 0


def _play(run: Callable[[Agent], Awaitable[None]], spec: Mapping[str, Any]) -> bool:
    journal = Journal(Path(spec["journal"]))
    about = {"clock_offset_ns": spec["clock_offset_ns"], "sites": [_site_name(site) for site in spec["sites"]]}
    try:
        with SegmentWriter(Path(spec["segment"]), spec["agent"], about) as history:
            clock = Clock(spec["clock_offset_ns"])
            # Agents that publish make many short-lived objects and next to no cycles: collect rarely.
            gc.freeze()
            gc.set_threshold(100_000, 20, 20)
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                return runner.run(
                    _obeying(
                        run,
                        Agent(spec=spec, name=spec["agent"], clock=clock, history=history, journal=journal),
                    )
                )
    finally:
        with suppress(OSError):  # on a full disk the segment's error is the one to hear of
            journal.close()


async def _obeying(run: Callable[[Agent], Awaitable[None]], agent: Agent) -> bool:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, agent.stopping.set)
    # A thread, because stdin may be anything; os.read, because a buffered reader that a daemon thread holds
    # aborts the interpreter on its way out.
    threading.Thread(target=_listen, args=(agent, loop), daemon=True, name="stdin").start()
    await run(agent)
    return agent.stopping.is_set()


def _listen(agent: Agent, loop: asyncio.AbstractEventLoop) -> None:
    rest = b""
    with suppress(OSError, RuntimeError):  # RuntimeError: the loop is closed, the agent is ending
        while chunk := os.read(0, 4096):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                loop.call_soon_threadsafe(agent.obey, line.decode(errors="replace"))
        loop.call_soon_threadsafe(agent.stopping.set)
    time.sleep(_STOP_LIMIT_S)
    os._exit(ERROR_STATUS)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - optional: the extra "fast"
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _site_name(site: object) -> object:
    return site.get("site") if isinstance(site, Mapping) else site


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
