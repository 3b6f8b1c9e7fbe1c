"""edgelab: what a broker at the edge loses when its backhaul goes, and how long recovery takes.

A scenario is made of a system (one of ``systems``), sites, a workload, a schedule of faults, and ``checks``; ``run``
plays it, ``load`` opens a run that was played, ``compare`` puts several side by side.

The names are loaded when they are first asked for: every agent imports this package, and must not wait for pandas.
Nothing inside edgelab takes them from here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import systems
    from .analysis import checks
    from .comparisons import compare
    from .errors import LabError, SpecError, SystemUnderTestError
    from .lab import run
    from .model.comparison import Comparison
    from .model.faults import Kill, Latency, Outage, Partition, Pause, Throttle
    from .model.scenario import Scenario
    from .model.schedule import Schedule, Window, flapping, once
    from .model.topology import site_names
    from .model.workload import Load, Workload
    from .runs import Run, load

    __version__: str

__all__ = [
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

_HOMES = {
    "comparisons": ("compare",),
    "errors": ("LabError", "SpecError", "SystemUnderTestError"),
    "lab": ("run",),
    "model.comparison": ("Comparison",),
    "model.faults": ("Kill", "Latency", "Outage", "Partition", "Pause", "Throttle"),
    "model.scenario": ("Scenario",),
    "model.schedule": ("Schedule", "Window", "flapping", "once"),
    "model.topology": ("site_names",),
    "model.workload": ("Load", "Workload"),
    "runs": ("Run", "load"),
}
_MODULES = {"checks": ".analysis.checks", "systems": ".systems"}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # a type checker that saw it would take any misspelt name for a good one

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            value: Any = import_module("importlib.metadata").version("edgelab")
        elif name in _MODULES:
            value = import_module(_MODULES[name], __name__)
        elif name in _HOME_OF:
            value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
