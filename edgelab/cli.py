"""The command line: ``edgelab run|compare|report|list|compose|doctor|setup|images|clean``.

Exit codes: 0 checks pass, 1 a check failed, 2 the input was refused, 3 the lab itself failed or the verdict is unknown.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from . import __version__
from .deploy.shield import ENDING
from .errors import EdgelabError, LabError, SpecError

if TYPE_CHECKING:
    from .model.comparison import Comparison
    from .model.scenario import Scenario
    from .runs import Run

_RUNTIMES = ("auto", "compose", "process")


_EPILOG = """\b
Start with:
  edgelab doctor
  edgelab run nats_leaf_outage
"""
_RUN_EPILOG = """\b
Examples:
  edgelab run nats_leaf_outage
  edgelab run nats_leaf_outage --set sites=1 --set outage_s=10 --set kind=silent
  edgelab run nats_leaf_outage --set system.durable_source=true
  edgelab run nats_leaf_outage --system nats-leaf-core --runtime process
  edgelab run leaf_versus_mirrormaker --set systems=nats-leaf,nats-direct

\b
Exit codes: 0 checks pass, 1 a check failed, 2 the input was refused,
            3 the lab itself failed or the verdict is unknown.
"""


class _Commands(click.Group):
    """Turns edgelab's errors into one line and the contract's exit code; keeps tracebacks for bugs."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EdgelabError as error:
            kind = {SpecError: "refused", LabError: "the lab failed"}
            words = next((w for cls, w in kind.items() if isinstance(error, cls)), "the system under test failed")
            _say(click.style(f"{words}: {error}", fg="red"))
            _say_notes(error)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt as error:
            _say("interrupted: nothing is left running, what was recorded is kept")
            _say_notes(error)
            ctx.exit(3)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001 - Python would end with 1, which means that a check failed
            _say("".join(traceback.format_exception(error)))
            _say(click.style("the lab failed: the above is a bug of edgelab; please report it", fg="red"))
            ctx.exit(3)


@click.group(
    cls=_Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__)
def main() -> None:
    """What does a broker at the edge lose when its backhaul goes, and how long does recovery take?

    Real brokers, honest faults, every message accounted for.
    """
    click.get_current_context().call_on_close(_hear_interrupts())


@main.command(short_help="Play a scenario and say what became of every message.", epilog=_RUN_EPILOG)
@click.argument("scenario")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A parameter of the scenario, or system.OPTION=VALUE for its system; KEY=@FILE takes the value from a file. "
    "`edgelab list` names them all. May be repeated.",
)
@click.option("--system", metavar="NAME", help="Another system under test, for the same faults and traffic.")
@click.option(
    "--runtime",
    type=click.Choice(_RUNTIMES),
    default="auto",
    show_default=True,
    help="Containers (compose) or plain local processes; auto takes containers where Docker works.",
)
@click.option("--seed", type=int, metavar="N", help="Of everything random; the scenario's own by default.")
@click.option("--repeat", type=click.IntRange(1, 1000), default=1, show_default=True, help="Play it this often.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where run folders go."
)
def run(
    scenario: str,
    settings: tuple[str, ...],
    system: str | None,
    runtime: str,
    seed: int | None,
    repeat: int,
    out: Path,
) -> None:
    """Play SCENARIO and say what became of every message.

    SCENARIO is a name from `edgelab list`, or path/to/file.py:function, where the function returns a Scenario, or a
    Comparison of several: they are played one after another and put side by side.
    """
    from . import resolve
    from .model.comparison import Comparison

    asked = resolve.asked(scenario, settings=settings, system=system, seed=seed)
    if isinstance(asked, Comparison):
        command = _again(scenario, settings, system, runtime, asked.entries[0][1].seed)
        sys.exit(max(_play_comparison(asked, runtime=runtime, out=out, command=command) for _ in range(repeat)))
    command = _again(scenario, settings, system, runtime, asked.seed)
    sys.exit(_play(asked, repeat=repeat, runtime=runtime, out=out, command=command))


def _play(scenario: Scenario, *, repeat: int, runtime: str, out: Path, command: str) -> int:
    """Play it ``repeat`` times and show each outcome; returns the exit code."""
    from .comparisons import compare as side_by_side
    from .lab import run as play
    from .runner.live import reporter_for
    from .show import comparison, summary

    runs = []
    for _ in range(repeat):
        reporter = reporter_for(sys.stderr)
        try:
            runs.append(play(scenario, runtime=runtime, out=out, reporter=reporter, command=command))
        finally:
            reporter.close()
        _print(summary(runs[-1]))
    if repeat > 1:
        _print(comparison(side_by_side(runs)))
    return max(one.exit_code for one in runs)


def _play_comparison(asked: Comparison, *, runtime: str, out: Path, command: str) -> int:
    """Play it and show each outcome, then all side by side; returns the exit code."""
    from .runner.live import reporter_for
    from .show import comparison, outcome_line
    from .side_by_side import play

    labels = asked.labels
    ended: list[str] = []

    def tell(label: str, outcome: Run | EdgelabError) -> None:
        ended.append(label)
        _print(f"{len(ended)}/{len(labels)}  {outcome_line(label, outcome)}")
        if isinstance(outcome, EdgelabError):
            _say_notes(outcome)

    _print(f"{asked.name}: {', '.join(labels)}, one after another")
    compared = play(
        asked, runtime=runtime, out=out, reporting=lambda: reporter_for(sys.stderr), ended=tell, command=command
    )
    _print(comparison(compared))
    return compared.exit_code


@main.command(short_help="Put runs side by side.")
@click.argument("runs", metavar="RUN RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Write plots, a page and comparison.json there, too.")
def compare(runs: tuple[Path, ...], out: Path | None) -> None:
    """Put two or more run folders side by side: losses, recovery, footprint, what crossed the link.

    They may be of different scenarios: what differs is said. A RUN may also be the folder of a comparison.
    """
    from .comparisons import gather
    from .show import comparison

    compared = gather(runs)
    if out is not None:
        compared.write(out)
    _print(comparison(compared, page=out))


@main.command(short_help="Analyse a run folder again.")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Analyse the history in the run folder RUN again; write its result, ledger, plots and report anew.

    Exits as the run did: 0 checks pass, 1 a check failed, 3 unknown.
    """
    from .runs import analyse
    from .show import summary

    one = analyse(folder)
    _print(summary(one))
    sys.exit(one.exit_code)


@main.command("list", short_help="What can be run, and what was.")
@click.argument("what", type=click.Choice(["all", "scenarios", "systems", "runs"]), default="all")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where run folders are."
)
def list_(what: str, out: Path) -> None:
    """List scenarios with their parameters, systems with their options, and runs; all three by default."""
    from .show import runs_table, scenarios_table, systems_table

    if what in {"all", "scenarios"}:
        _print(scenarios_table())
    if what in {"all", "systems"}:
        _print(systems_table())
    if what in {"all", "runs"}:
        _print(runs_table(out))


@main.command(short_help="Show a scenario's topology as a compose file.")
@click.argument("scenario", required=False)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="As for `edgelab run`.")
@click.option("--system", metavar="NAME", help="Another system under test.")
@click.option("--out", type=click.Path(path_type=Path), help="Write compose.yaml and its files there.")
@click.option("--reference", type=click.Path(path_type=Path), help="Write all reference topologies there.")
def compose(
    scenario: str | None, settings: tuple[str, ...], system: str | None, out: Path | None, reference: Path | None
) -> None:
    """Show SCENARIO's topology as a compose file, or write it out with its configuration files."""
    from . import resolve
    from .deploy.compose import render, write_project
    from .reference import write_all

    if reference is not None:
        for path in write_all(reference):
            _print(str(path))
        return
    if scenario is None:
        raise SpecError("SCENARIO must be given (or --reference DIR)")
    topology = resolve.build(scenario, settings=settings, system=system).topology()
    if out is None:
        _print(render(topology).rstrip("\n"))
    else:
        _print(str(write_project(topology, out)))


@main.command(short_help="What this machine can and cannot run.")
def doctor() -> None:
    """Say what this machine can and cannot run, and how to mend it.

    Changes nothing. Exits with 0 where something can be run, else with 3.
    """
    from .deploy.doctor import diagnose
    from .show import findings

    found = diagnose()
    _print(findings(found))
    sys.exit(0 if all(finding.ok for finding in found if finding.needed) else 3)


@main.command(short_help="Get brokers and Java; a run gets what it lacks, too.")
@click.option("--for-tests", is_flag=True, help="Also what the tests need: older versions, compose, images.")
@click.option("--for-bench", is_flag=True, help="Also the native tools that `make bench` compares with.")
def setup(*, for_tests: bool, for_bench: bool) -> None:
    """Get what scenarios need (nats-server, Toxiproxy, Kafka, a Java); cached, checksummed, safe to repeat."""
    from .setting_up import set_up

    set_up(for_tests=for_tests, for_bench=for_bench, progress=_say)


@main.group(short_help="Container images for --runtime compose.")
def images() -> None:
    """Container images for the compose runtime."""


@images.command(short_help="Build them here, where no image registry is reached.")
@click.option(
    "--nats",
    "nats_versions",
    multiple=True,
    metavar="VERSION",
    help="Of nats-server. May be repeated; the newest of each by default.",
)
@click.option("--kafka", "kafka_versions", multiple=True, metavar="VERSION", help="Of Kafka. May be repeated.")
def build(nats_versions: tuple[str, ...], kafka_versions: tuple[str, ...]) -> None:
    """Build local images from the same binaries, for machines that reach no image registry."""
    from .setting_up import build_images

    for tag in build_images(nats=nats_versions, kafka=kafka_versions, progress=_say):
        _print(tag)


@main.command(short_help="Remove what labs that were killed left behind.")
@click.option("--include-running", is_flag=True, help="Also what labs that still run have started: ends their runs.")
def clean(*, include_running: bool) -> None:
    """Remove containers, networks, volumes and processes that dead labs left behind; nothing else.

    Run folders, images and the cache stay.
    """
    from .deploy.clean import clean as clean_

    removed = clean_(include_running=include_running)
    for line in removed:
        _print(f"removed {line}")
    if not removed:
        _print("nothing was left behind")


def _again(scenario: str, settings: tuple[str, ...], system: str | None, runtime: str, seed: int) -> str:
    parts = ["edgelab run", scenario, *(f"--set {setting}" for setting in settings)]
    if system is not None:
        parts.append(f"--system {system}")
    return " ".join([*parts, f"--runtime {runtime}", f"--seed {seed}"])


def _print(text: str) -> None:
    """To standard output, whether or not somebody still reads it: the exit code is the answer that counts."""
    with _nobody_listening(sys.stdout):
        click.echo(text)


def _say(line: str) -> None:
    with _nobody_listening(sys.stderr):
        click.echo(line, err=True)


def _say_notes(error: BaseException) -> None:
    for note in getattr(error, "__notes__", ()):
        _say(note)


@contextmanager
def _nobody_listening(stream: TextIO) -> Iterator[None]:
    """A closed pipe or terminal at the other end of ``stream`` is no failure; nothing more is written to it."""
    try:
        yield
    except OSError:
        # Python flushes at its end, too, and would fail then.
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _hear_interrupts() -> Callable[[], None]:
    """Let a polite kill and a terminal that is closed clean up as Ctrl-C does; returns what undoes this."""
    before = {number: signal.getsignal(number) for number in ENDING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # under nohup, or in the background of a script: go on
            signal.signal(number, _interrupt)

    def undo() -> None:
        for number, handler in before.items():
            if signal.getsignal(number) is _interrupt:  # else this process is on its way out, deaf
                signal.signal(number, handler)

    return undo


def _interrupt(_signal: int, _frame: object) -> None:
    # Once is enough: a second one, wherever it came, would cut the way out short. What follows has deadlines.
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
