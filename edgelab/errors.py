"""The one tree of errors.

::

    EdgelabError
    ├── SpecError              yours: the input was refused, nothing was started    (exit code 2)
    ├── LabError               the lab's: it could not do what was asked            (exit code 3)
    │   ├── NotReady           a service or predicate did not become true in time
    │   ├── CommandError       a program the lab called failed
    │   ├── ArtifactError      a binary, jar or image could not be had or failed its checksum
    │   ├── RuntimeMissing     no Docker daemon, no compose, wrong platform
    │   └── FaultError         a fault could not be applied or cleared
    └── SystemUnderTestError   the system's: a broker died or refused its set-up    (exit code 3)

A message lost, a slow recovery or a broker that breaks its word is *not* an error: it is a result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class EdgelabError(Exception):
    """Base of every error that edgelab raises on purpose.

    Attributes:
        exit_code: what the command line returns for it.
    """

    exit_code = 3


class SpecError(EdgelabError, ValueError):
    """The input was refused before anything started.

    The message names the field, the bound and the value.
    """

    exit_code = 2


class LabError(EdgelabError):
    """The lab itself failed: no verdict can be given."""


class NotReady(LabError):  # noqa: N818 - reads as what happened: "not ready"
    """Something did not become ready within its deadline.

    The message says what was waited for and what was last seen.
    """


class CommandError(LabError):
    """A program the lab called failed.

    Attributes:
        argv: the command and its arguments.
        returncode: its exit status.
        stderr: what it wrote to standard error (its end).
    """

    def __init__(self, argv: Sequence[str], returncode: int, stderr: str) -> None:
        self.argv = tuple(argv)
        self.returncode = returncode
        self.stderr = stderr
        tail = "\n".join(stderr.strip().splitlines()[-12:])
        super().__init__(f"`{' '.join(self.argv)}` failed with exit status {returncode}:\n{tail}")


class ArtifactError(LabError):
    """A binary, jar or image could not be had, or failed its checksum."""


class RuntimeMissing(LabError):  # noqa: N818 - reads as what happened: "runtime missing"
    """This machine cannot run the runtime that was asked for; the message says how to mend it."""


class FaultError(LabError):
    """A fault could not be applied or cleared.

    Not raised when a fault was applied but did not bite: that makes the verdict unknown.
    """


class SystemUnderTestError(EdgelabError):
    """A broker died unasked, refused its configuration, or refused a set-up request."""
