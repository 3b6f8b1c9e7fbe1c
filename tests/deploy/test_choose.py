from collections.abc import Callable
from dataclasses import replace

import pytest

from edgelab.deploy import artifacts, choose, docker_api, images
from edgelab.errors import ArtifactError, SpecError
from edgelab.model.topology import Topology, site_names


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretends a machine with or without an engine, compose and images."""

    def pretend(*, engine: bool = True, compose: bool = True, has_images: bool = True) -> None:
        def refuse(what: str) -> None:
            raise ArtifactError(f"no {what}")

        monkeypatch.setattr(docker_api, "answers", lambda: engine)
        monkeypatch.setattr(artifacts, "compose_command", lambda **_: None if compose else refuse("compose"))
        monkeypatch.setattr(images, "for_topology", lambda *_, **__: None if has_images else refuse("image"))

    return pretend


def test_auto_takes_compose_where_everything_is_there(
    machine: Callable[..., None], small: Callable[..., Topology]
) -> None:
    machine()

    assert choose.runtime("auto", small()).name == "compose"
    assert choose.runtime().name == "compose"


@pytest.mark.parametrize("lack", ["engine", "compose", "has_images"])
def test_auto_takes_processes_where_something_is_missing(
    machine: Callable[..., None], small: Callable[..., Topology], lack: str
) -> None:
    machine(**{lack: False})

    assert choose.runtime("auto", small()).name == "process"


def test_auto_says_why_it_does_not_take_an_engine_that_answers(
    machine: Callable[..., None], small: Callable[..., Topology]
) -> None:
    machine(has_images=False)
    said: list[str] = []

    choose.runtime("auto", small(), progress=said.append)

    assert said == ["a Docker engine answers, but: no image; using local processes"]


def test_more_sites_than_containers_can_hold_become_processes(
    machine: Callable[..., None], small: Callable[..., Topology]
) -> None:
    machine()
    many = replace(small(), sites=site_names(choose.MOST_SITES + 1))

    assert choose.runtime("auto", many).name == "process"
    with pytest.raises(
        SpecError, match=r"sites must be at most 250 with containers .*, not 251; use --runtime process"
    ):
        choose.runtime("compose", many)


def test_a_name_is_taken_at_its_word(machine: Callable[..., None]) -> None:
    machine(engine=False)

    assert choose.runtime("compose").name == "compose"
    assert choose.runtime("process").name == "process"
    with pytest.raises(SpecError, match="runtime must be one of auto, compose, process, not 'podman'"):
        choose.runtime("podman")
