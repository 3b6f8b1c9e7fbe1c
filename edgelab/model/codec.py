"""Frozen dataclasses to JSON values and back, by the name of their class, for ``scenario.json``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..errors import LabError

_TYPE = "type"


def encode(value: Any) -> Any:
    """``value`` as JSON values; a dataclass becomes an object whose ``type`` names its class.

    Raises:
        TypeError: something that is neither a dataclass nor a JSON value.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
        return {_TYPE: type(value).__name__, **fields}
    if isinstance(value, (Mapping, MappingProxyType)):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [encode(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(f"{value!r} cannot be kept as JSON")


def decode(value: Any, classes: Mapping[str, type]) -> Any:
    """The value that :func:`encode` made; lists become tuples.

    Raises:
        LabError: an unknown class name, or fields that the class does not take (an old or foreign folder).
    """
    if isinstance(value, list):
        return tuple(decode(item, classes) for item in value)
    if not isinstance(value, dict):
        return value
    items = {key: decode(item, classes) for key, item in value.items() if key != _TYPE}
    if _TYPE not in value:
        return items
    kind = value[_TYPE]
    if kind not in classes:
        raise LabError(f"a {kind!r} is not known to this version of edgelab")
    try:
        return classes[kind](**items)
    except TypeError as error:
        raise LabError(f"a {kind!r} of another version of edgelab: {error}") from error
