"""From words on a command line to a scenario, or to a refusal that says what would do."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgelab import resolve
from edgelab.errors import SpecError
from edgelab.systems import NatsLeaf, NatsLeafCore


def test_settings_become_typed_keyword_arguments() -> None:
    scenario = resolve.build("nats_leaf_outage", settings=["sites=2", "outage_s=1.5", "kind=silent"], seed=9)

    assert scenario.sites == ("site-1", "site-2")
    assert scenario.schedule.windows[0].length_s == 1.5
    assert scenario.seed == 9


def test_options_of_the_system_are_set_with_a_prefix() -> None:
    scenario = resolve.build("nats_leaf_outage", settings=["system.mode=mirror", "system.reconnect_s=0.05"])

    assert isinstance(scenario.system, NatsLeaf)
    assert (scenario.system.mode, scenario.system.reconnect_s) == ("mirror", 0.05)


def test_another_system_takes_the_same_schedule_and_version() -> None:
    scenario = resolve.build("nats_leaf_outage", settings=["version=2.10.12"], system="nats-leaf-core")

    assert isinstance(scenario.system, NatsLeafCore)
    assert scenario.system.version == "2.10.12"


@pytest.mark.parametrize(
    ("reference", "settings", "words"),
    [
        ("nats_leaf", [], "SCENARIO must be path/to/file.py:function or one of kafka_direct_outage"),
        ("nats_leaf_outage", ["rate=5"], "--set must name a parameter of nats_leaf_outage"),
        ("nats_leaf_outage", ["sites=two"], "--set sites must be a whole number, not 'two'"),
        ("nats_leaf_outage", ["sites"], "--set must be KEY=VALUE, not 'sites'"),
        ("nats_leaf_outage", ["sites=0"], "sites must be at least 1, not 0"),
        ("nats_leaf_outage", ["rate_hz=-1"], "rate_hz must be at least 0.001, not -1.0"),
        ("nats_leaf_outage", ["outage_s=0"], "outage_s must be more than 0, not 0.0"),
        ("nats_leaf_outage", ["kind=gone"], "kind must be one of stall, cut, silent"),
        ("nats_leaf_outage", ["version=two"], "version must be"),
        ("nats_leaf_outage", ["system.mod=mirror"], "--set system.mod must name an option of nats-leaf"),
        ("nats_leaf_outage", ["system.mode=both"], "--set system.mode must be one of"),
        ("nats_leaf_outage", ["outage_s=nan"], "outage_s must be a number, not nan"),
        ("nats_leaf_outage", ["after_s=-5"], "after_s must be at least 0, not -5.0"),
        ("nats_leaf_outage", ["sites=1", "sites=2"], "--set sites must be given once, not as '1' and as '2'"),
        ("nats_partition", ["partitioned=9"], "partitioned must be at most 6, not 9"),
        ("nowhere.py:scenario", [], "SCENARIO must name a file that is there, not nowhere.py"),
    ],
)
def test_what_cannot_be_is_refused_by_name(reference: str, settings: list[str], words: str) -> None:
    with pytest.raises(SpecError) as refused:
        resolve.build(reference, settings=settings)

    assert words in str(refused.value)


def test_a_long_value_comes_from_a_file(tmp_path: Path) -> None:
    lines = tmp_path / "extra.conf"
    lines.write_text("max_payload: 2MB\n")

    scenario = resolve.build("nats_leaf_outage", settings=[f"system.extra_site_config=@{lines}"])

    assert isinstance(scenario.system, NatsLeaf)
    assert scenario.system.extra_site_config == "max_payload: 2MB"
    with pytest.raises(SpecError, match=r"system\.extra_site_config=@.*none\.conf must name a text file"):
        resolve.build("nats_leaf_outage", settings=[f"system.extra_site_config=@{tmp_path}/none.conf"])


def test_an_unknown_system_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SpecError, match=r"--system must be one of nats-leaf.*, not 'mqtt'"):
        resolve.build("nats_leaf_outage", system="mqtt")


_OWN = """
from scenarios import nats_leaf_outage

def mine(*, sites: int = 1):
    return nats_leaf_outage(sites=sites, outage_s=1.0)

def not_a_scenario():
    return 5
"""


def test_a_scenario_of_ones_own_is_found_by_path(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(_OWN)

    assert len(resolve.build(f"{own}:mine", settings=["sites=4"]).sites) == 4
    with pytest.raises(SpecError, match="must return a Scenario or a Comparison, not int"):
        resolve.build(f"{own}:not_a_scenario")
    with pytest.raises(SpecError, match="must have a function 'absent'"):
        resolve.build(f"{own}:absent")


def test_a_file_that_cannot_be_imported_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import nothing_of_that_name\n")

    with pytest.raises(SpecError, match=r"broken\.py cannot be imported: ModuleNotFoundError"):
        resolve.build(f"{broken}:mine")


_FAILING = """
def raises(*, sites: int = 1):
    return {}["missing"]

def ends(): raise SystemExit(0)

def needs(*, sites: int): ...

def hints(*, sites: "Nope" = 1): ...
"""


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("raises", "failing.py:raises failed: KeyError: 'missing' ("),
        ("raises", "failing.py, line 3)"),
        ("ends", "failing.py:ends failed: SystemExit: 0"),
        ("needs", "--set sites=VALUE must be given: "),
        ("hints", "failing.py:hints failed: NameError: name 'Nope' is not defined"),
    ],
)
def test_a_scenario_function_that_fails_is_refused_with_the_place(tmp_path: Path, function: str, words: str) -> None:
    failing = tmp_path / "failing.py"
    failing.write_text(_FAILING)

    with pytest.raises(SpecError) as refused:
        resolve.build(f"{failing}:{function}")

    assert words in str(refused.value)


def test_a_file_with_a_syntax_error_or_one_that_ends_the_program_is_refused(tmp_path: Path) -> None:
    wrong, ends = tmp_path / "wrong.py", tmp_path / "ends.py"
    wrong.write_text("def f(:\n")
    ends.write_text("raise SystemExit(0)\n")

    with pytest.raises(SpecError, match=r"wrong\.py cannot be imported: SyntaxError: .*wrong\.py, line 1\)$"):
        resolve.build(f"{wrong}:f")
    with pytest.raises(SpecError, match=r"ends\.py cannot be imported: SystemExit: 0 \(.*ends\.py, line 1\)"):
        resolve.build(f"{ends}:f")
