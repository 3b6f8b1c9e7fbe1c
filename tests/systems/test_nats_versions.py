"""What a version of nats-server is, and which are refused."""

from __future__ import annotations

import pytest

from edgelab.errors import SpecError
from edgelab.systems.nats import versions


@pytest.mark.parametrize("text", ["2", "2.15", "v2.15.2", "2.15.2 ", "latest", "", "2.15.x", 2.15, None, "../2.15.2"])
def test_what_is_no_version_is_refused(text: object) -> None:
    with pytest.raises(SpecError, match="version must be that of a nats-server"):
        versions.parse(text)


@pytest.mark.parametrize(("text", "bound"), [("2.8.4", r"at least 2\.9\.0"), ("3.0.0", r"below 3\.0\.0")])
def test_a_version_whose_leaf_the_lab_cannot_keep_on_its_link_is_refused(text: str, bound: str) -> None:
    with pytest.raises(SpecError, match=bound):
        versions.parse(text)


def test_a_release_candidate_counts_as_its_release() -> None:
    assert versions.parse("2.14.0-RC.1").ignores_discovered


@pytest.mark.parametrize(
    ("text", "able"),
    [
        ("2.9.25", (False, False, False, False)),
        ("2.10.12", (False, False, False, True)),
        ("2.12.15", (False, False, False, True)),
        ("2.14.0", (True, False, True, True)),
        ("2.15.2", (True, True, True, True)),
    ],
)
def test_each_version_can_what_its_source_says(text: str, able: tuple[bool, ...]) -> None:
    version = versions.parse(text)

    assert able == (
        version.ignores_discovered,
        version.can_hide_hub,
        version.has_durable_sources,
        version.takes_reconnect_fractions,
    )
