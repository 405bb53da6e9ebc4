"""Every pattern gives on Ray, with simulated accelerators and real tools, the value that it gives in this process."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from costmodel.fleet import Fleet, load_fleet
from orchestrator.codec import codec_of
from orchestrator.pipeline import PlanRequest, plan_agent
from runtime.ray_executor import run
from runtime.ray_session import open_session
from runtime.run_options import RunOptions

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def fleet(project: Path) -> Fleet:
    return load_fleet(project / "examples/fleets/mixed.yaml")


@pytest.fixture(scope="module", autouse=True)
def local_ray(fleet: Fleet) -> Iterator[None]:
    """One Ray with the devices of the fleet, which all runs share."""
    session = open_session({each.id: float(each.count) for each in fleet.classes}, RunOptions())
    yield
    session.close()


def test_ray_gives_the_eager_value(
    name: str, pattern: Callable[[str], ModuleType], fleet: Fleet, project: Path
) -> None:
    module = pattern(name)
    agent = getattr(module, name)
    plan = plan_agent(agent.trace(), fleet, PlanRequest()).plan
    assert plan is not None
    report = run(plan, module.EXAMPLE_INPUT, RunOptions(root=project, time_scale=0.01))
    assert (report.status, report.simulated) == ("success", True)
    assert report.value == codec_of(agent).dump_result(agent(**module.EXAMPLE_INPUT))
