from edgelab.deploy.log_end import last_lines

DEAD = """\
[2026-01-01] INFO starting (kafka.Kafka)
Exception in thread "main" java.lang.OutOfMemoryError: Java heap space
\tat java.base/java.util.Arrays.copyOf(Arrays.java:3537)
\tat kafka.log.LogCleaner.<init>(LogCleaner.scala:90)
\t... 27 more
"""


def test_the_end_of_a_log_is_what_was_said_and_not_where_in_javas_code() -> None:
    trace = DEAD + "\tat a.b.C.d(C.java:1)\n" * 50

    assert last_lines(trace, lines=1) == 'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space'


def test_lines_are_counted_from_the_end_and_long_ones_cut() -> None:
    assert last_lines("a\nb\nc\n", lines=2) == "b\nc"
    assert last_lines("x" * 500) == "x" * 240 + " …"
    assert last_lines("indented:\n\tat rest, nothing calls\n") == "indented:\n\tat rest, nothing calls"


def test_where_kafka_says_what_went_wrong_the_lines_about_it_are_left_out() -> None:
    full = (
        "[2026] INFO fine (a)\n[2026] ERROR Error while appending (b)\njava.io.IOException: No space left on device\n"
    )

    assert last_lines(DEAD) == 'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space'
    assert last_lines(full + "[2026] WARN stopping (c)\n").splitlines() == full.splitlines()[1:]
    assert last_lines("[2026] INFO fine (a)\n[2026] WARN odd (b)\n") == "[2026] INFO fine (a)\n[2026] WARN odd (b)"
