import sys
from pathlib import Path

import pytest

from placement.shared_check import check_shared


@pytest.fixture
def generator(project: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.syspath_prepend(str(project / "benchmarks"))
    monkeypatch.delitem(sys.modules, "instances", raising=False)
    import instances  # pyright: ignore[reportMissingImports]

    return instances


def test_a_seed_makes_the_same_instance_again(generator) -> None:  # type: ignore[no-untyped-def]
    shape = generator.Shape(2, operators=8, options=6)
    assert generator.shared(shape, 3) == generator.shared(shape, 3)
    assert generator.shared(shape, 3) != generator.shared(shape, 4)


def test_an_instance_is_legal_and_has_the_sizes_asked_for(generator) -> None:  # type: ignore[no-untyped-def]
    problem = generator.shared(generator.Shape(3, operators=10, options=12), 0)
    check_shared(problem)
    assert [len(agent.problem.operators) for agent in problem.agents] == [10, 10, 10]
    most = max(len(operator.options) for agent in problem.agents for operator in agent.problem.operators)
    assert most <= 12
    assert generator.describe(problem).startswith("3 agents x 10 operators, ")
