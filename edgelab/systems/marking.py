"""Giving lost messages their causes: what every family of systems needs for it. Pure.

``lost`` is the table that :meth:`edgelab.systems.base.System.causes` gets; a cause once given stays.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Flags = npt.NDArray[np.bool_]
"""One for each row of ``lost``."""


def nothing(lost: pd.DataFrame) -> pd.Series:
    """No cause yet, for every row of ``lost``."""
    return pd.Series([None] * len(lost), index=lost.index, dtype=object)


def mark(found: pd.Series, chosen: Flags, cause: str) -> None:
    """Give ``cause`` to those of ``chosen`` that have none yet."""
    found[chosen & found.isna().to_numpy(np.bool_)] = cause


def outcome_is(lost: pd.DataFrame, outcome: str) -> Flags:
    """Which were ``acknowledged``, ``failed`` or ``unknown``."""
    return (lost["outcome"].astype(str) == outcome).to_numpy(np.bool_)


def says(lost: pd.DataFrame, *words: str) -> Flags:
    """Whose failure was told with any of ``words`` (in lower case)."""
    reasons = lost["reason"].astype(object).fillna("").str.lower()
    said = np.zeros(len(lost), np.bool_)
    for word in words:
        said |= reasons.str.contains(word, regex=False).to_numpy(np.bool_)
    return said
