"""What holds for each pattern: it is short, is planned on the mixed fleet, and prints and reads back as IR."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from costmodel.fleet import Fleet, load_fleet
from ir.pipeline import STAGES
from ir.text import parse, to_text
from orchestrator.agent_files import find_agent
from orchestrator.graph import Graph
from orchestrator.graph_json import graph_from_json, to_json_text
from orchestrator.lint import lint
from orchestrator.pipeline import PlanRequest, lower, plan_agent
from orchestrator.run_input import check_inputs

LINES_AT_MOST = 120


@pytest.fixture(scope="module")
def mixed(project: Path) -> Fleet:
    return load_fleet(project / "examples/fleets/mixed.yaml")


@pytest.fixture
def module(name: str, pattern: Callable[[str], ModuleType]) -> ModuleType:
    return pattern(name)


@pytest.fixture
def graph(name: str, module: ModuleType) -> Graph:
    """The graph of the outermost agent, as the command line finds it."""
    return find_agent(Path(f"examples/patterns/{name}.py"), None).graph


def test_no_pattern_is_left_out(names: tuple[str, ...], project: Path) -> None:
    files = {file.stem for file in (project / "examples/patterns").glob("*.py")}
    assert files == {*names, "measure_priors"}


def test_a_pattern_is_short(name: str, project: Path) -> None:
    text = (project / f"examples/patterns/{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES_AT_MOST


def test_the_agent_is_named_after_the_pattern_and_takes_its_example(
    name: str, module: ModuleType, graph: Graph
) -> None:
    assert graph.name == name
    assert check_inputs(module.EXAMPLE_INPUT, graph) == module.EXAMPLE_INPUT
    assert lint(graph) == ()


def test_the_graph_reads_back(graph: Graph) -> None:
    assert graph_from_json(to_json_text(graph)) == graph


@pytest.mark.parametrize("stage", STAGES)
def test_the_ir_reads_back_at_every_stage(graph: Graph, stage: str) -> None:
    module = lower(graph, stage)
    read = parse(to_text(module))
    assert read.is_structurally_equivalent(module)
    assert to_text(read) == to_text(module)


def test_the_plan_keeps_the_deadline(graph: Graph, mixed: Fleet) -> None:
    result = plan_agent(graph, mixed, PlanRequest())
    assert result.plan is not None, result.infeasible
    assert graph.sla is not None
    assert 0 < result.plan.promised.latency_s <= graph.sla.limit_s
