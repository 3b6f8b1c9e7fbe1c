"""Java properties: the user's lines read, the lab's files written."""

from __future__ import annotations

import pytest

from edgelab.errors import SpecError
from edgelab.systems.kafka import properties
from edgelab.systems.kafka.settings import Setting, merged, users


@pytest.mark.parametrize("line", ["a.b=1", "a.b = 1", "a.b: 1", "a.b 1", "  a.b\t=\t1  "])
def test_a_line_is_a_key_and_a_value_however_they_are_parted(line: str) -> None:
    assert properties.parse("text", line) == {"a.b": "1"}


def test_comments_and_empty_lines_say_nothing_and_a_line_may_go_on() -> None:
    text = "# one\n! two\n\na = x, \\\n   y\nb=\\\\\n"

    assert properties.parse("text", text) == {"a": "x, y", "b": "\\\\"}


def test_a_flow_between_clusters_is_a_key() -> None:
    assert properties.parse("text", "@{site}->hub.topics=edge") == {"@{site}->hub.topics": "edge"}


def test_a_value_may_hold_what_parts_keys_from_values() -> None:
    assert properties.parse("text", "listeners=http://x:1=2") == {"listeners": "http://x:1=2"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=1\nb=2\na = 3", "text must set 'a' once, not twice"),
        ("justakey", "text must hold lines of the form key = value, not 'justakey'"),
        ("= 3", "text must hold lines of the form key = value, not '= 3'"),
        (3, "text must be text, not 3"),
    ],
)
def test_what_says_nothing_or_two_things_is_refused(text: object, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        properties.parse("text", text)


def test_a_file_explains_itself_and_gives_one_reason_once() -> None:
    lines = (Setting("a", "1", "Because."), Setting("b", "2", "Because."), Setting("c", "3", "Else."))

    assert properties.render("A title.", lines) == "# A title.\n# Because.\na = 1\nb = 2\n# Else.\nc = 3\n"


def test_what_is_written_is_read_as_it_was() -> None:
    text = {"a": "1", "b.c": "x,y", "@{site}.d": "e=f"}

    assert properties.parse("text", properties.render("Title.", users(text))) == text


def test_of_several_sources_the_last_wins_at_the_first_place() -> None:
    found = merged([Setting("a", "1", "r"), Setting("b", "1", "r")], [Setting("a", "2", "s")])

    assert found == (Setting("a", "2", "s"), Setting("b", "1", "r"))
