import os
import socket
import subprocess
import sys

import psutil

from edgelab.deploy import owner
from edgelab.deploy.owner import Owner


def test_an_owner_survives_being_written_down() -> None:
    mine = owner.current(with_host=True)

    read = owner.parse(str(mine))

    assert read is not None
    assert (read.pid, read.host) == (os.getpid(), socket.gethostname())
    assert read.alive


def test_the_marks_name_run_and_owner() -> None:
    marks = owner.marks("edgelab-1")

    assert marks[owner.RUN_VARIABLE] == "edgelab-1"
    assert (found := owner.parse(marks[owner.OWNER_VARIABLE])) is not None
    assert found.alive


def test_a_process_that_ended_is_dead_even_before_it_is_reaped() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    made = Owner(child.pid, psutil.Process(child.pid).create_time())
    assert made.alive

    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert not made.alive
    child.communicate()
    assert not made.alive


def test_a_later_process_with_the_same_number_is_not_the_owner() -> None:
    mine = owner.current()

    assert not Owner(mine.pid, mine.created_s - 60.0).alive


def test_an_owner_on_another_machine_counts_as_alive() -> None:
    assert Owner(1 << 22, 0.0, "elsewhere.example").alive


def test_what_names_no_owner_is_none() -> None:
    assert [owner.parse(text) for text in (None, "", "12", "a:b", ":")] == [None] * 5
