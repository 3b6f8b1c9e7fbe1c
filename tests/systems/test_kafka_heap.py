"""Heaps and JVM options: the user's win, and one too small to start is refused."""

from __future__ import annotations

from typing import Any

import pytest

from edgelab.errors import SpecError
from edgelab.model.topology import HUB, MIB, Service
from edgelab.systems import KafkaMirrorMaker, system
from edgelab.systems.kafka import heap


def _script(made: Any, service: str) -> str:
    return next(f.text for f in _service(made, service).files if f.name == "start.sh")


def _service(made: Any, service: str) -> Service:
    found: Service = made.topology(("site-1",)).service(service)
    return found


def test_a_site_is_small_and_compiles_little_and_the_hub_and_the_mirror_do_not() -> None:
    made = KafkaMirrorMaker()

    assert "-Xmx67108864" in _script(made, "site-1")
    assert "-XX:TieredStopAtLevel=1" in _script(made, "site-1")
    assert "-Xmx268435456" in _script(made, "mirror-site-1")
    for other in (HUB, "mirror-site-1"):
        assert "TieredStopAtLevel" not in _script(made, other)


def test_the_users_heap_wins_and_the_containers_memory_follows_it() -> None:
    made = KafkaMirrorMaker(site_jvm_options="-Xmx512m", mirror_jvm_options="-XX:MaxHeapSize=1g")

    assert "-Xmx512m" in _script(made, "site-1")
    assert "-Xmx67108864" not in _script(made, "site-1")
    assert _service(made, "site-1").memory_bytes > 512 * MIB
    assert _service(made, "mirror-site-1").memory_bytes > 1024 * MIB


def test_what_the_user_says_of_collector_and_compiler_replaces_ours() -> None:
    options = heap.options(64 * MIB, "-XX:+UseG1GC -XX:TieredStopAtLevel=4 -Xss1m", small=True)

    assert options == ("-Xmx67108864", "-XX:+UseG1GC", "-XX:TieredStopAtLevel=4", "-Xss1m")


def test_the_hubs_heap_grows_with_its_sites() -> None:
    made = KafkaMirrorMaker()
    one, many = (made.topology(tuple(f"s{i}" for i in range(n))).service(HUB).memory_bytes for n in (1, 20))

    assert many > one


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heap_bytes": 32 * MIB}, "heap_bytes must be at least 41943040, not 33554432: .* dies at its start"),
        ({"hub_heap_bytes": 1}, "hub_heap_bytes must be at least 41943040, not 1"),
        ({"mirror_heap_bytes": 16 * MIB}, "mirror_heap_bytes must be at least 50331648, not 16777216"),
        ({"heap_bytes": "64m"}, "heap_bytes must be a whole number, not '64m'"),
        ({"site_jvm_options": "-Xmx24m"}, "site_jvm_options must give a heap of at least 40 MiB, not 24 MiB"),
        ({"mirror_jvm_options": "-Xmx8m"}, "mirror_jvm_options must give a heap of at least 48 MiB, not 8 MiB"),
        ({"hub_jvm_options": "Xmx64m"}, "hub_jvm_options must hold options of a JVM, .* not 'Xmx64m'"),
        ({"site_jvm_options": "-cp /x"}, "site_jvm_options must not hold '-cp', which the lab sets"),
        ({"site_jvm_options": "-Dx='y"}, "site_jvm_options must be options as a shell reads them"),
        ({"site_jvm_options": 3}, "site_jvm_options must be text, not 3"),
    ],
)  # fmt: skip
def test_a_heap_too_small_to_start_and_options_of_the_labs_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        system("kafka-mirrormaker", **options)
