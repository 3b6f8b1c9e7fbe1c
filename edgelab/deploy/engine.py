"""A Docker engine where there is none: ``python -m edgelab.deploy.engine``, as root on Debian or Ubuntu.

Made for build machines and throw-away containers without systemd. Elsewhere it says what to do instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ..errors import CommandError, EdgelabError, NotReady, RuntimeMissing
from . import docker_api, ready
from .base import Progress, silent
from .cache import cache_folder, locked
from .toolchain import run

_UP_DEADLINE_S = 60.0
_APT = {"DEBIAN_FRONTEND": "noninteractive"}


def ensure(*, progress: Progress = silent) -> str:
    """Version of the Docker engine; installed and started first where it is missing. It is left running.

    Raises:
        RuntimeMissing: this machine cannot have one this way; the message says why.
    """
    if not docker_api.answers():
        with locked("dockerd", progress=progress):
            if not docker_api.answers():
                _start(progress)
    client = docker_api.connect()
    try:
        return str(client.version()["Version"])
    finally:
        client.close()


def main() -> int:
    """Ensure an engine, for ``make test``."""
    try:
        version = ensure(progress=lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201 - a command
    except EdgelabError as error:
        print(f"no Docker engine: {error}", file=sys.stderr)  # noqa: T201 - a command
        return error.exit_code
    print(f"Docker engine {version} answers", file=sys.stderr)  # noqa: T201 - a command
    return 0


def _start(progress: Progress) -> None:
    if "DOCKER_HOST" in os.environ:
        raise RuntimeMissing(f"the engine at DOCKER_HOST={os.environ['DOCKER_HOST']} does not answer; start it there")
    if not sys.platform.startswith("linux"):
        raise RuntimeMissing("start Docker Desktop, colima or the like")
    if os.geteuid() != 0:
        raise RuntimeMissing("start Docker (`sudo systemctl start docker`), or run this as root")
    if shutil.which("dockerd") is None:
        _install(progress)
    if Path("/run/systemd/system").is_dir():
        progress("starting Docker with systemd")
        try:
            run(["systemctl", "start", "docker"], timeout_s=_UP_DEADLINE_S)
        except CommandError as error:
            raise RuntimeMissing(f"systemd could not start Docker: {error}") from error
        _wait(None, Path("/dev/null"))
        return
    _start_daemon(progress)


def _install(progress: Progress) -> None:
    if shutil.which("apt-get") is None:
        raise RuntimeMissing("dockerd is not installed and there is no apt-get to install it with; install Docker")
    progress("installing docker.io with apt")
    try:
        run(["apt-get", "-q", "update"], environment=_APT)
        run(["apt-get", "-q", "install", "-y", "--no-install-recommends", "docker.io", "iptables"], environment=_APT)
    except CommandError as error:
        raise RuntimeMissing(f"docker.io could not be installed: {error}") from error


def _start_daemon(progress: Progress) -> None:
    log = cache_folder() / "dockerd.log"
    progress(f"starting dockerd (log: {log})")
    dockerd = shutil.which("dockerd") or "/usr/sbin/dockerd"
    with log.open("ab") as file:
        daemon = subprocess.Popen(
            [dockerd, "--log-level", "warn"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
        )
    _wait(daemon, log)


def _wait(daemon: subprocess.Popen[bytes] | None, log: Path) -> None:
    def up() -> bool:
        return (daemon is not None and daemon.poll() is not None) or docker_api.answers()

    try:
        ready.until(up, deadline_s=_UP_DEADLINE_S, what="dockerd", poll_s=0.2)
    except NotReady as error:
        raise RuntimeMissing(f"dockerd does not answer: {error}; its log ends:\n{_end(log)}") from error
    if daemon is not None and daemon.returncode is not None:
        raise RuntimeMissing(f"dockerd ended with status {daemon.returncode}; its log ends:\n{_end(log)}")
    if daemon is not None:
        daemon.returncode = 0  # it is left running on purpose: no warning about that at exit


def _end(log: Path) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    except OSError as error:
        return str(error)


if __name__ == "__main__":
    sys.exit(main())
