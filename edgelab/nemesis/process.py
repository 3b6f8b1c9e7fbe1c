"""The process plane: a service's process dies, or stops running."""

from __future__ import annotations

from collections.abc import Callable

from ..deploy.base import Deployment
from ..errors import EdgelabError, FaultError
from ..model.faults import Kill, Pause, describe


class ProcessPlane:
    """Kills, starts, pauses and resumes services of one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self._lab = deployment

    def apply(self, fault: Kill) -> None:
        """Let ``fault`` begin; returns when it holds.

        Raises:
            FaultError: it could not be done.
        """
        _do(self._lab.pause if isinstance(fault, Pause) else self._lab.kill, fault, "applied")

    def clear(self, fault: Kill) -> None:
        """Let ``fault`` end; a killed service has been started, but need not serve yet.

        Raises:
            FaultError: it could not be done.
        """
        _do(self._lab.resume if isinstance(fault, Pause) else self._lab.start, fault, "cleared")


def _do(act: Callable[[str], None], fault: Kill, what: str) -> None:
    try:
        act(fault.service)
    except FaultError:
        raise
    except (EdgelabError, OSError) as error:
        raise FaultError(f"{describe(fault)} could not be {what}: {error}") from error
