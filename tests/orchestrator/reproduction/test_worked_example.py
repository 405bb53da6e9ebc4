"""The worked example is exactly the paper's."""

import pytest

from orchestrator.reproduction.page import Table
from orchestrator.reproduction.worked_example import page, problem
from placement.evaluate import evaluate
from placement.problem import Placement


@pytest.mark.parametrize(
    ("option", "latency_s", "cost_usd"),
    [
        # 80 + 25 ms, 1000 x 0.00008 + 500 x 0.00006
        ((0, 0), 0.105, 0.11),
        # 80 + 10 + 30 ms, 0.08 + 1000 x 0.000005 + 500 x 0.00002
        ((0, 1), 0.120, 0.095),
        # 130 + 30 ms, 1000 x 0.00005 + 500 x 0.00002
        ((1, 1), 0.160, 0.06),
    ],
)
def test_placements(option: tuple[int, int], latency_s: float, cost_usd: float) -> None:
    found = evaluate(problem(None), Placement(option, ()))
    assert found.latency_s == pytest.approx(latency_s)
    assert found.cost_usd == pytest.approx(cost_usd)


def test_the_page() -> None:
    shown = page()
    limits = next(part for part in shown.parts if isinstance(part, Table) and "by limit" in part.caption)
    assert dict(limits.rows) == {
        "120 ms": "HP::CO, 120 ms, $0.095, gap 0.00%",
        "110 ms": "HP::HP, 105 ms, $0.11, gap 0.00%",
        "100 ms": "nothing: 105 ms is the best achievable",
        "1000 ms": "CO::CO, 160 ms, $0.06, gap 0.00%",
    }
