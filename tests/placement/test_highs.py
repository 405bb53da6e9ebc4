import math

import pytest

from placement.highs import Limits, SolverError, minimise, relax
from placement.linear import LinearModel


def knapsack() -> LinearModel:
    """Minimise 5 a + 4 b + 3 c where 2 a + 3 b + c >= 4, each 0 or 1: b and c for 7 (a and b: 9; a and c weigh 3)."""
    model = LinearModel()
    columns = [model.binary(cost) for cost in (5.0, 4.0, 3.0)]
    model.row(4.0, dict(zip(columns, (2.0, 3.0, 1.0), strict=True)), math.inf)
    return model


def test_the_best_columns_and_a_bound_come_back() -> None:
    found = minimise(knapsack(), Limits())
    assert found.status == "optimal"
    assert found.values == pytest.approx((0.0, 1.0, 1.0))
    assert (found.objective, found.bound) == (pytest.approx(7.0), pytest.approx(7.0))


def test_a_start_does_not_change_the_answer() -> None:
    assert minimise(knapsack(), Limits(threads=1), {0: 1.0, 1: 1.0}).objective == pytest.approx(7.0)


def test_the_relaxation_splits_a_column() -> None:
    # b for 4/3 a unit, then 1 unit more of a at 2.5 or c at 3: 4 + 2.5.
    relaxed = relax(knapsack(), math.inf)
    assert relaxed is not None
    assert relaxed.objective == pytest.approx(6.5)
    # A unit of c weighs 1, worth 2.5, and costs 3.
    assert relaxed.reduced_costs[2] == pytest.approx(0.5)


def test_an_infeasible_model_is_told_apart() -> None:
    model = knapsack()
    model.row(7.0, {0: 2.0, 1: 3.0, 2: 1.0}, math.inf)
    assert minimise(model, Limits()).status == "infeasible"
    assert relax(model, math.inf) is None


def test_a_model_without_columns_is_judged_by_its_rows() -> None:
    model = LinearModel()
    assert minimise(model, Limits()).status == "optimal"
    model.row(1.0, {}, 1.0)
    assert minimise(model, Limits()).status == "infeasible"


def test_a_continuous_model_has_its_own_bound() -> None:
    model = LinearModel()
    column = model.column(2.0)
    model.row(3.0, {column: 1.0}, math.inf)
    found = minimise(model, Limits())
    assert (found.objective, found.bound) == (6.0, 6.0)


def test_without_time_there_is_no_answer_but_a_status() -> None:
    found = minimise(knapsack(), Limits(time_s=0.0))
    assert found.status in ("optimal", "time_limit")
    assert found.bound <= 7.0


def test_a_model_that_the_solver_refuses_is_an_error() -> None:
    model = knapsack()
    model.row(0.0, {7: 1.0}, 1.0)
    with pytest.raises(SolverError, match="HiGHS refused the model"):
        minimise(model, Limits())
