from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import edgelab

PUBLIC = [
    "Comparison",
    "Kill",
    "LabError",
    "Latency",
    "Load",
    "Outage",
    "Partition",
    "Pause",
    "Run",
    "Scenario",
    "Schedule",
    "SpecError",
    "SystemUnderTestError",
    "Throttle",
    "Window",
    "Workload",
    "checks",
    "compare",
    "flapping",
    "load",
    "once",
    "run",
    "site_names",
    "systems",
]
HEAVY = ("docker", "matplotlib", "nats", "numpy", "pandas", "pyarrow", "rich", "toxiproxy")


def test_the_public_names_are_these_and_25_at_most() -> None:
    assert edgelab.__all__ == PUBLIC
    assert 15 <= len(PUBLIC) <= 25
    assert set(PUBLIC) <= set(dir(edgelab))


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_there_and_stays_the_same_thing(name: str) -> None:
    first = getattr(edgelab, name)

    assert first is getattr(edgelab, name)
    assert callable(first) or name in {"checks", "systems"}


def test_no_public_name_is_hidden_by_a_module_of_the_same_name() -> None:
    # Importing `edgelab.x` sets `edgelab.x` to the module, whatever the root meant by it: of `systems`, that.
    assert not {module.name for module in pkgutil.iter_modules(edgelab.__path__)} & (set(PUBLIC) - {"systems"})


def test_a_name_that_is_not_there_is_told_as_python_does() -> None:
    with pytest.raises(AttributeError, match=r"module 'edgelab' has no attribute 'Outages'"):
        _ = edgelab.Outages  # type: ignore[attr-defined]


def test_importing_edgelab_loads_nothing_of_it_and_no_library() -> None:
    loaded = _python("import sys, edgelab; print(*sys.modules)").split()

    assert [name for name in loaded if name.startswith("edgelab.") or name in HEAVY] == []


def test_values_come_without_the_libraries_that_run_and_draw_them() -> None:
    loaded = _python("import sys; from edgelab import Outage, Scenario, Workload, once; print(*sys.modules)").split()

    assert not {"docker", "matplotlib", "nats", "pandas"} & set(loaded)


def test_the_version_is_that_of_the_installed_package() -> None:
    assert edgelab.__version__ == _python("from importlib.metadata import version; print(version('edgelab'))").strip()


def _python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
