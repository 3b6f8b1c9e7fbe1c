"""Publishing rate of the lab's agents against ``nats bench``, on the same server in the same run. Aim: half of it.

Usage: python -m bench.publish [--version 2.15.2] [--messages 200000] [--nats-server PATH] [--nats PATH]

The agent is asked for more than it can do, so its rate is its limit. It counts what is in its history, and the
server's own count must agree: stream messages for JetStream, received messages for core NATS.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nats

from bench.agent_rate import SIZE_BYTES, Rate, agent_rate
from edgelab.deploy import artifacts
from edgelab.deploy.ports import Ports
from edgelab.errors import LabError

_PORTS = Ports()
_PORT, _MONITOR = _PORTS.take(), _PORTS.take()
_RATE = re.compile(r"([\d,]+) msgs/sec")


def main() -> None:
    """Print the table."""
    options = _options()
    server = options.nats_server or artifacts.binary("nats-server", options.version)
    cli = options.nats or artifacts.nats_cli()
    print(f"publishing, {SIZE_BYTES} bytes, {options.messages:,} messages, JetStream on disk, one connection")
    print(f"  {'':<12}{'agent/s':>10}{'nats bench/s':>14}{'ratio':>7}   in the history = at the server")
    with tempfile.TemporaryDirectory() as folder:
        for mode in ("core", "stream"):
            with _server(server, Path(folder) / mode):
                theirs = _nats_bench(cli, mode, options.messages)
                asyncio.run(_make_stream() if mode == "stream" else _nothing())
                before = _received()
                ours = _agent(mode, options.messages, Path(folder) / f"agent-{mode}")
                counted = asyncio.run(_stored()) if mode == "stream" else _received() - before
            same = "yes" if counted == ours.messages else f"NO: {counted:,} at the server"
            print(
                f"  {mode:<12}{ours.hz:>10,.0f}{theirs.hz:>14,.0f}{ours.hz / theirs.hz:>7.2f}   "
                f"{ours.messages:,}: {same}"
            )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", default="2.15.2", help="of nats-server")
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--nats-server", type=Path, help="this binary instead of the cached one")
    parser.add_argument("--nats", type=Path, help="this nats command instead of the cached one")
    return parser.parse_args()


def _agent(mode: str, messages: int, folder: Path) -> Rate:
    options = {"address": f"127.0.0.1:{_PORT}", "subject": "bench.agent", "mode": mode, "ack_timeout_s": 30.0}
    return agent_rate("publish_nats", options, messages=messages, folder=folder, answered=mode == "stream")


def _nats_bench(cli: Path, mode: str, messages: int) -> Rate:
    command = ["pub", "bench.theirs"] if mode == "core" else ["js", "pub", "bench.theirs", "--batch", "500", "--create"]
    argv = [str(cli), "--server", f"127.0.0.1:{_PORT}", "bench", *command]
    argv += ["--size", str(SIZE_BYTES), "--msgs", str(messages), "--no-progress"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    rate = _RATE.search(done.stdout)
    if done.returncode != 0 or rate is None:
        raise LabError(f"`{' '.join(argv)}` gave no rate:\n{done.stdout}{done.stderr}")
    return Rate(messages, float(rate[1].replace(",", "")))


@contextmanager
def _server(binary: Path, folder: Path) -> Iterator[None]:
    folder.mkdir()
    argv = [str(binary), "-a", "127.0.0.1", "-p", str(_PORT), "-m", str(_MONITOR), "-js", "-sd", str(folder / "store")]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(argv, stderr=log)
    try:
        end = time.monotonic() + 10.0
        while not _answers():
            if server.poll() is not None or time.monotonic() > end:
                raise LabError(f"nats-server did not start:\n{(folder / 'server.log').read_text()}")
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.wait()


def _answers() -> bool:
    try:
        _monitor("healthz")
    except OSError:
        return False
    return True


def _monitor(page: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{_MONITOR}/{page}", timeout=5) as answer:
        read: dict[str, Any] = json.load(answer)
    return read


def _received() -> int:
    return int(_monitor("varz")["in_msgs"])


async def _nothing() -> None:
    pass


async def _make_stream() -> None:
    client = await nats.connect(f"127.0.0.1:{_PORT}")
    await client.jetstream().add_stream(name="AGENT", subjects=["bench.agent"], storage="file")
    await client.close()


async def _stored() -> int:
    client = await nats.connect(f"127.0.0.1:{_PORT}")
    info = await client.jetstream().stream_info("AGENT")
    await client.close()
    return int(info.state.messages)


if __name__ == "__main__":
    main()
