"""Waits of nats-server's own are told apart from the link's."""

from __future__ import annotations

import pandas as pd

from edgelab.model.measured import Evidence
from edgelab.systems import NatsLeaf, NatsLeafCore

_NO_EVIDENCE = Evidence(windows=(), log_events={}, stores=())


def _windows(*rows: tuple[str, float | None, float | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["site", "reconnect_s", "resume_s"]).astype(
        {"reconnect_s": float, "resume_s": float}
    )


def test_a_hub_that_takes_nothing_long_after_the_session_is_back_is_explained() -> None:
    late = _windows(("site-1", 0.5, 28.3), ("site-2", 1.0, 1.1))

    (remark,) = NatsLeaf().remarks(late, _NO_EVIDENCE)

    assert remark.startswith("The hub took nothing from site-1 for 27.8 s after the session was back.")
    assert "durable_source" in remark
    assert "durable_source" not in NatsLeaf(durable_source=True).remarks(late, _NO_EVIDENCE)[0]


def test_a_run_that_ended_before_the_hub_took_anything_is_explained_too() -> None:
    (remark,) = NatsLeaf().remarks(_windows(("site-1", 0.5, None), ("site-2", 1.0, 1.1)), _NO_EVIDENCE)

    assert remark.startswith("The hub took nothing from site-1 until the next fault or the end of the run after")


def test_a_prompt_hub_or_a_session_that_never_came_back_needs_no_words() -> None:
    assert (
        NatsLeaf().remarks(_windows(("site-1", 0.5, 0.9), ("site-2", None, None), ("site-3", None, 0.2)), _NO_EVIDENCE)
        == ()
    )
    assert NatsLeafCore().remarks(_windows(("site-1", 0.5, 28.3)), _NO_EVIDENCE) == ()
