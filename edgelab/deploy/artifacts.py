"""Binaries of any version, built from the public Go modules, kept and checked.

::

    cache/bin/nats-server-2.10.12/nats-server
                                  manifest.json     sha256 of it, and how it was built

Go's checksum database vouches for the sources; the manifest for the binary, each time it is used.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ArtifactError, CommandError, SpecError
from . import toolchain
from .base import Progress, silent
from .cache import cache_folder, locked

COMPOSE_VERSION = "2.40.3"
NATS_CLI_VERSION = "0.2.4"
_MANIFEST = "manifest.json"
_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where a program comes from.

    Attributes:
        module: what a version belongs to.
        package: what is built, below the module.
        built: the name that Go gives the binary.
        environment: extra variables for Go.
    """

    module: str
    package: str = ""
    built: str
    environment: dict[str, str] = field(default_factory=dict)


_SOURCES = {
    "nats-server": _Source(module="github.com/nats-io/nats-server/v2", built="nats-server"),
    "toxiproxy": _Source(module="github.com/Shopify/toxiproxy/v2", package="/cmd/server", built="server"),
    "nats": _Source(
        module="github.com/nats-io/natscli",
        package="/nats",
        built="nats",
        # The checksum database does not always answer for these two, and Go then refuses them. All other modules stay
        # verified; and this program is the yardstick of `make bench` only, no result of the lab rests on it.
        environment={"GONOSUMDB": "github.com/choria-io/scaffold,github.com/nats-io/nsc/v2"},
    ),
}


def binary(program: str, version: str, *, progress: Progress = silent) -> Path:
    """Path of ``program`` at ``version``: from the cache if its checksum is right, else built.

    Raises:
        SpecError: no such program, or not a version.
        ArtifactError: it could not be built; the message says why.
    """
    source = _SOURCES.get(program)
    if source is None:
        raise SpecError(f"program must be one of {', '.join(_SOURCES)}, not {program!r}")
    if not _VERSION.fullmatch(version):
        raise SpecError(f'{program} version must be three numbers like "2.10.12", not {version!r}')

    def build(scratch: Path) -> Path:
        return _install(source, program, version, scratch, progress)

    return _kept(f"{program}-{version}", program, build, progress)


def nats_cli(*, progress: Progress = silent) -> Path:
    """The ``nats`` command line, for benchmarks that compare with its own."""
    return binary("nats", NATS_CLI_VERSION, progress=progress)


def cached(program: str, version: str) -> Path | None:
    """The binary if the cache holds it intact; never builds."""
    return _intact(cache_folder() / "bin" / f"{program}-{version}", program)


def cached_versions(program: str) -> list[str]:
    """Versions of ``program`` in the cache, oldest first; whether they are intact is not looked at."""
    found = (cache_folder() / "bin").glob(f"{program}-[0-9]*")
    versions = [path.name.removeprefix(f"{program}-") for path in found]
    return sorted(versions, key=lambda version: [int(n) for n in re.findall(r"\d+", version)])


def sha256(path: Path) -> str:
    """``sha256:…`` of a file."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def compose_command(*, progress: Progress = silent, build: bool = True) -> tuple[str, ...]:
    """How to call compose v2: Docker's plugin, else ``docker-compose`` from the path or the cache, else built.

    Raises:
        ArtifactError: there is none, and it could not be built or ``build`` is false.
    """
    for program, *rest in (("docker", "compose"), ("docker-compose",)):
        if (found := shutil.which(program)) and _is_compose_v2(found, *rest):
            return (found, *rest)
    if not build:
        found_path = cached("docker-compose", COMPOSE_VERSION)
        if found_path is None:
            raise ArtifactError("no docker compose v2; `edgelab setup` builds one")
        return (str(found_path),)

    def make(scratch: Path) -> Path:
        return _build_compose(scratch, progress)

    return (str(_kept(f"docker-compose-{COMPOSE_VERSION}", "docker-compose", make, progress)),)


def _is_compose_v2(*command: str) -> bool:
    try:
        version = toolchain.run([*command, "version", "--short"], timeout_s=20.0)
    except CommandError:
        return False
    major = re.match(r"v?(\d+)\.", version.strip())
    return major is not None and int(major[1]) >= 2


def _kept(entry: str, name: str, build: Callable[[Path], Path], progress: Progress) -> Path:
    folder = cache_folder() / "bin" / entry
    if (found := _intact(folder, name)) is not None:
        return found
    with locked(entry, progress=progress):
        if (found := _intact(folder, name)) is not None:
            return found
        if folder.exists():
            progress(f"{entry} in the cache does not match its checksum: building it again")
            shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{entry}-") as scratch:
            built = build(Path(scratch))
            whole = Path(scratch) / "whole"
            whole.mkdir()
            built.rename(whole / name)
            (whole / name).chmod(0o755)
            manifest = {"entry": entry, "file": name, "sha256": sha256(whole / name)}
            (whole / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
            whole.rename(folder)  # all or nothing
    return folder / name


def _intact(folder: Path, name: str) -> Path | None:
    try:
        wanted = json.loads((folder / _MANIFEST).read_text())["sha256"]
        return folder / name if sha256(folder / name) == wanted else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _install(source: _Source, program: str, version: str, scratch: Path, progress: Progress) -> Path:
    go = toolchain.go(progress=progress)
    progress(f"building {program} {version} from its Go module (once; a minute or two)")
    environment = {"CGO_ENABLED": "0", "GOBIN": str(scratch), **source.environment}
    package = f"{source.module}{source.package}@v{version}"
    try:
        toolchain.run(
            [str(go), "install", "-trimpath", "-ldflags=-s -w", package], cwd=scratch, environment=environment
        )
    except CommandError as error:
        raise _refusal(go, source, program, version, scratch, error) from error
    return scratch / source.built


def _refusal(
    go: Path, source: _Source, program: str, version: str, scratch: Path, error: CommandError
) -> ArtifactError:
    # Asked for the versions there are, Go answers in JSON: no guessing from the words of an error message.
    listing = f"go list -m -versions {source.module}"
    try:
        known = json.loads(toolchain.run([str(go), "list", "-m", "-versions", "-json", source.module], cwd=scratch))
    except (CommandError, ValueError):
        return ArtifactError(f"{program} {version} could not be built, and its versions could not be listed: {error}")
    versions = [v.removeprefix("v") for v in known.get("Versions", ())]
    if version in versions:
        return ArtifactError(f"{program} {version} could not be built: {error}")
    newest = ", ".join([v for v in versions if "-" not in v][-5:])
    return ArtifactError(f"there is no {program} {version}; the newest are {newest} (`{listing}` lists all)")


def _build_compose(scratch: Path, progress: Progress) -> Path:
    # `go install` refuses modules with replace directives, which compose has: hence a module around it.
    go = str(toolchain.go(progress=progress))
    progress(f"building docker compose {COMPOSE_VERSION} from its Go module (once; two or three minutes)")
    package = "github.com/docker/compose/v2/cmd"
    (scratch / "main.go").write_text(f'package main\n\nimport _ "{package}"\n\nfunc main() {{}}\n')
    stamp = f"-s -w -X github.com/docker/compose/v2/internal.Version=v{COMPOSE_VERSION}"
    environment = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}
    try:
        for argv in (
            [go, "mod", "init", "compose"],
            [go, "get", f"{package}@v{COMPOSE_VERSION}"],
            [go, "build", "-trimpath", f"-ldflags={stamp}", "-o", str(scratch / "built"), package],
        ):
            toolchain.run(argv, cwd=scratch, environment=environment)
    except CommandError as error:
        raise ArtifactError(f"docker compose {COMPOSE_VERSION} could not be built: {error}") from error
    return scratch / "built"
