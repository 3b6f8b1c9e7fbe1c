"""Configuration files of local processes, in a folder whose path may be anything."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import SpecError
from ..model.topology import Topology
from .addresses import ProcessBook, fill
from .programs import is_jvm

# Kafka takes what stands before a comma for one of several folders; a shell, or a properties file, reads the others.
_NOT_IN_PATHS = ",'\"$`\\\n"
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def check_path(folder: Path, topology: Topology) -> None:
    """Refuse a run folder whose path Kafka would read otherwise, and keep its data elsewhere.

    Raises:
        SpecError: the message names the letter and the path.
    """
    found = next((letter for letter in str(folder) if letter in _NOT_IN_PATHS), None)
    if found is not None and any(map(is_jvm, topology.services)):
        raise SpecError(
            f"the run folder's path must be without {found!r} for Kafka as local processes, not {folder}: "
            "name another with --out"
        )


def write(topology: Topology, book: ProcessBook) -> None:
    """Every file of every service, with its placeholders replaced."""
    for service in topology.services:
        for file in service.files:
            path = Path(book.file(service, file.name))
            path.parent.mkdir(parents=True, exist_ok=True)
            text = fill(file.text, topology=topology, service=service, book=book)
            path.write_text(escaped(text) if path.suffix == ".properties" else text, encoding="utf-8")


def escaped(text: str) -> str:
    """As properties files want it, which Java reads as Latin-1: what is not ASCII by its UTF-16 units."""
    return _NOT_ASCII.sub(lambda found: re.sub("(....)", r"\\u\1", found[0].encode("utf-16-be").hex()), text)
