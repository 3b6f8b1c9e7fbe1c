"""Configuration files of local processes, in a folder whose path may be anything."""

from pathlib import Path

import pytest

from edgelab.deploy import configs
from edgelab.errors import SpecError
from edgelab.systems import KafkaMirrorMaker, NatsLeaf

SITES = ("site-1",)


@pytest.mark.parametrize("name", ["a,b", "it's", 'a"b', "a$b", "a`b", "a\\b"])
def test_a_path_that_kafka_or_its_shell_would_read_otherwise_is_refused_by_its_letter(name: str) -> None:
    with pytest.raises(SpecError, match=r"^the run folder's path must be without ") as refused:
        configs.check_path(Path("/runs") / name, KafkaMirrorMaker().topology(SITES))
    assert repr(name.strip("abits")) in str(refused.value)
    assert name in str(refused.value)


@pytest.mark.parametrize("name", ["with spaces", "日本", "a:b", "50%#c"])
def test_other_paths_are_taken(name: str) -> None:
    configs.check_path(Path("/runs") / name, KafkaMirrorMaker().topology(SITES))


def test_a_broker_without_a_shell_takes_any_path() -> None:
    configs.check_path(Path("/runs/it's, here"), NatsLeaf().topology(SITES))


def test_properties_hold_what_is_not_ascii_by_its_utf_16_units() -> None:
    assert configs.escaped("log.dirs = /ü/日/😀\n") == "log.dirs = /\\u00fc/\\u65e5/\\ud83d\\ude00\n"
