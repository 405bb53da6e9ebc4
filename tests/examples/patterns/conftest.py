"""Loads a pattern, lets it search two small documents, and writes its graph as an outline."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from orchestrator.graph import Body, FanoutTask, Graph, LoopTask, ReactTask, Task, bodies

PATTERNS = (
    "single_agent_with_tools",
    "peer_network",
    "supervisor",
    "supervisor_as_tools",
    "hierarchical",
    "custom_graph",
    "rag_two_retrievals",
)

GUIDE = """# Guide

The gap of a plan says how far its cost is from the bound.

A pool of replicas serves one model.

The field bound_scope names the bound.
"""
DECISION = """# Pools

A pool is shared because the weights of a model are large.
"""


@pytest.fixture
def names() -> tuple[str, ...]:
    """Every pattern."""
    return PATTERNS


@pytest.fixture(params=PATTERNS)
def name(request: pytest.FixtureRequest) -> str:
    """Each pattern in turn."""
    return request.param


@pytest.fixture
def pattern(example: Callable[[str], ModuleType]) -> Callable[[str], ModuleType]:
    """`pattern("supervisor")` gives the module of `examples/patterns/supervisor.py`."""
    return lambda name: example(f"patterns/{name}")


@pytest.fixture
def small(
    pattern: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], ModuleType]:
    """As `pattern`, over three short documents in place of the project's own."""
    (tmp_path / "docs/decisions").mkdir(parents=True)
    (tmp_path / "README.md").write_text("Nothing here.\n", encoding="utf-8")
    (tmp_path / "docs/guide.md").write_text(GUIDE, encoding="utf-8")
    (tmp_path / "docs/decisions/0001-pools.md").write_text(DECISION, encoding="utf-8")

    def load(name: str) -> ModuleType:
        module = pattern(name)
        monkeypatch.setattr(sys.modules["examples.document_search"], "ROOT", tmp_path)
        return module

    return load


@pytest.fixture
def outline() -> Callable[[Graph], list[str]]:
    """Every task of a graph on a line, `kind id` and its bound, indented by what it stands in."""
    return lambda graph: list(lines(graph.body))


def lines(body: Body, indent: str = "") -> Iterator[str]:
    for task in body.tasks:
        yield f"{indent}{task.kind} {task.id}{bound(task)}"
        if isinstance(task, ReactTask):
            yield f"{indent}  llm {task.llm.id}"
            for tool in task.tools:
                yield f"{indent}  {tool.kind} {tool.id}"
                for nested in bodies(tool).values():
                    yield from lines(nested, indent + "    ")
        for nested in bodies(task).values():
            yield from lines(nested, indent + "  ")


def bound(task: Task) -> str:
    match task:
        case LoopTask(max_iters=most) | FanoutTask(max=most) | ReactTask(max_turns=most):
            return f" <= {most}"
        case _:
            return ""
