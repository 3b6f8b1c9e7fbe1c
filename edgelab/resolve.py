"""From words on a command line to a scenario: names, ``path/to/file.py:function``, and ``KEY=VALUE``."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import inspect
import traceback
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from .errors import SpecError
from .model.comparison import Comparison
from .model.scenario import Scenario
from .systems import SYSTEMS

ScenarioFunction = Callable[..., Scenario | Comparison]
_SYSTEM_PREFIX = "system."


def known_scenarios() -> Mapping[str, ScenarioFunction]:
    """The scenarios that come with edgelab, by name."""
    package = importlib.import_module("scenarios")
    return {name: getattr(package, name) for name in package.__all__}


def find(reference: str) -> ScenarioFunction:
    """The function that ``reference`` names: one of :func:`known_scenarios`, or ``path/to/file.py:function``.

    Raises:
        SpecError: there is none, or the file cannot be imported.
    """
    path, colon, function = reference.rpartition(":")
    if colon:
        return _from_file(Path(path), function)
    known = known_scenarios()
    if reference not in known:
        raise SpecError(f"SCENARIO must be path/to/file.py:function or one of {', '.join(known)}, not {reference!r}")
    return known[reference]


def build(
    reference: str, *, settings: Iterable[str] = (), system: str | None = None, seed: int | None = None
) -> Scenario:
    """The scenario that ``reference`` makes, which must be one: see :func:`asked`.

    Raises:
        SpecError: as :func:`asked` does, and where it makes a comparison.
    """
    made = asked(reference, settings=settings, system=system, seed=seed)
    if isinstance(made, Comparison):
        raise SpecError(f"SCENARIO must be of one system here, and {reference} compares {', '.join(made.labels)}")
    return made


def asked(
    reference: str, *, settings: Iterable[str] = (), system: str | None = None, seed: int | None = None
) -> Scenario | Comparison:
    """The scenario, or the comparison of several, that ``reference`` makes with ``settings``.

    Args:
        reference: see :func:`find`.
        settings: ``KEY=VALUE``: keyword parameters of the function, or ``system.OPTION=VALUE`` for options of the
            system it uses; ``KEY=@PATH`` takes the value from a file.
        system: name of a system to use instead, with its default options (and ``system.`` settings).
        seed: instead of the scenario's.

    Raises:
        SpecError: an unknown key, a value of the wrong type, a scenario that cannot be, a function that fails; a
            system, or settings of one, for a comparison of several.
    """
    function = find(reference)
    pairs = _pairs(settings)
    own = {key: text for key, text in pairs.items() if not key.startswith(_SYSTEM_PREFIX)}
    options = {key.removeprefix(_SYSTEM_PREFIX): text for key, text in pairs.items() if key.startswith(_SYSTEM_PREFIX)}
    made = _call(function, reference, own)
    if isinstance(made, Comparison):
        _refuse_one_system(reference, made, system, options)
        return made if seed is None else made.with_seed(seed)
    if system is not None:
        if system not in SYSTEMS:
            raise SpecError(f"--system must be one of {', '.join(SYSTEMS)}, not {system!r}")
        made = dataclasses.replace(made, system=_other_system(made, SYSTEMS[system]))
    if options:
        made = dataclasses.replace(made, system=_with_options(made.system, options))
    return made if seed is None else dataclasses.replace(made, seed=seed)


def parse(key: str, text: str, wanted: Any) -> Any:
    """``text`` as a value of type ``wanted`` (an annotation).

    Raises:
        SpecError: it is none.
    """
    options = _options_of(wanted)
    if type(None) in options and text.lower() in {"", "none"}:
        return None
    for kind in options:
        value = _try(kind, text)
        if value is not _NO:
            return value
    words = " or ".join(_name_of(kind) for kind in options if kind is not type(None))
    raise SpecError(f"--set {key} must be {words}, not {text!r}")


_NO = object()


def _try(kind: Any, text: str) -> Any:
    if typing.get_origin(kind) is Literal:
        return text if text in typing.get_args(kind) else _NO
    if kind is bool:
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(text.lower(), _NO)
    if kind in {int, float}:
        try:
            return kind(text)
        except ValueError:
            return _NO
    return text if kind is str else _NO


def _options_of(wanted: Any) -> tuple[Any, ...]:
    if typing.get_origin(wanted) in {typing.Union, types.UnionType}:
        return typing.get_args(wanted)
    return (wanted,)


def _name_of(kind: Any) -> str:
    if typing.get_origin(kind) is Literal:
        return f"one of {', '.join(typing.get_args(kind))}"
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}.get(kind, str(kind))


def _pairs(settings: Iterable[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for key, text in map(_pair, settings):
        if key in pairs:
            raise SpecError(f"--set {key} must be given once, not as {pairs[key]!r} and as {text!r}")
        pairs[key] = text
    return pairs


def _pair(setting: str) -> tuple[str, str]:
    key, equals, text = setting.partition("=")
    if not equals or not key:
        raise SpecError(f"--set must be KEY=VALUE, not {setting!r}")
    if text.startswith("@"):
        text = _file_text(key, Path(text[1:]))
    return key.strip(), text.strip()


def _file_text(key: str, path: Path) -> str:
    """What ``KEY=@PATH`` stands for: long values, such as a broker's whole configuration, come from files."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"--set {key}=@{path} must name a text file that can be read: {error}") from error


def _call(function: ScenarioFunction, reference: str, settings: Mapping[str, str]) -> Scenario | Comparison:
    parameters = _parameters(function, reference)
    for key in settings:
        if key not in parameters:
            known = ", ".join(parameters) or "it has none"
            raise SpecError(f"--set must name a parameter of {reference} ({known}), not {key!r}")
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in settings:
            raise SpecError(f"--set {name}=VALUE must be given: {reference} has no default for it")
    with _theirs(f"{reference} failed"):
        hints = typing.get_type_hints(function)
    values = {key: parse(key, text, hints.get(key, str)) for key, text in settings.items()}
    with _theirs(f"{reference} failed"):
        made: Any = function(**values)
    if not isinstance(made, (Scenario, Comparison)):
        raise SpecError(f"{reference} must return a Scenario or a Comparison, not {type(made).__name__}")
    return made


def _parameters(function: ScenarioFunction, reference: str) -> Mapping[str, inspect.Parameter]:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError) as error:
        raise SpecError(f"{reference} must be a function with keyword parameters: {error}") from error
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: parameter for name, parameter in parameters.items() if parameter.kind in by_name}


@contextmanager
def _theirs(what: str) -> Iterator[None]:
    """Failures of code that is the user's, as a refusal that says where, in one line."""
    try:
        yield
    except SpecError:
        raise
    # SystemExit: a file that ends the program must not end it with a code that means something else.
    except (Exception, SystemExit) as error:
        # Theirs only: neither this file nor Python's own importing.
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).is_file() and frame.filename != __file__
        ]
        where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
        raise SpecError(f"{what}: {type(error).__name__}: {error}{where}") from error


def _refuse_one_system(reference: str, comparison: Comparison, system: str | None, options: Mapping[str, str]) -> None:
    given = [] if system is None else [f"--system {system}"]
    given += [f"--set system.{key}" for key in options]
    if given:
        raise SpecError(
            f"{given[0]} must be of a scenario with one system, and {reference} compares several "
            f"({', '.join(comparison.labels)}); they are named in its own parameters"
        )


def _other_system(scenario: Scenario, kind: type) -> Any:
    """The other system, of the same version where both are of one program."""
    plain = kind()
    version = getattr(scenario.system, "version", None)
    if version is not None and plain.versions.keys() == scenario.system.versions.keys():
        return dataclasses.replace(plain, version=version)
    return plain


def _with_options(system: Any, settings: Mapping[str, str]) -> Any:
    hints = typing.get_type_hints(type(system))
    fields = {field.name for field in dataclasses.fields(system) if field.init}
    for key in settings:
        if key not in fields:
            raise SpecError(
                f"--set system.{key} must name an option of {system.name} ({', '.join(sorted(fields))}), not {key!r}"
            )
    values = {key: parse(f"system.{key}", text, hints[key]) for key, text in settings.items()}
    return dataclasses.replace(system, **values)


def _from_file(path: Path, function: str) -> ScenarioFunction:
    if not path.is_file():
        raise SpecError(f"SCENARIO must name a file that is there, not {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SpecError(f"SCENARIO must name a Python file, not {path}")
    module = importlib.util.module_from_spec(spec)
    with _theirs(f"{path} cannot be imported"):
        spec.loader.exec_module(module)
    found = getattr(module, function, None)
    if not callable(found):
        raise SpecError(f"{path} must have a function {function!r}")
    return typing.cast("ScenarioFunction", found)
