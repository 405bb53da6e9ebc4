import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placement.brute_force import every_placement
from placement.kappa import LEAST_KAPPA
from placement.shared_batch import batch
from placement.shared_evaluate import judge_prepared
from placement.shared_predicted import ENDLESS_S, applied, users_of, waits_for
from placement.shared_prepared import prepare_shared
from placement.shared_problem import SharedPlacement, SharedProblem
from placement.shared_surrogate import Aim, allowed, surrogate
from placement.shared_units import placements_of, units_of
from tests.placement.shared_problems import small_shared


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(small_shared(), st.data())
def test_waits_are_those_of_the_judge(problem: SharedProblem, data: st.DataObject) -> None:
    prepared = prepare_shared(problem)
    if any(not next(iter(every_placement(one.prepared)), None) for one in prepared.agents):
        return
    table = surrogate(problem, [LEAST_KAPPA] * len(problem.agents), Aim())
    units = units_of(table, [(0,) * len(one.problem.choices) for one in problem.agents])
    if not units.units or any(not unit.places for unit in units.units):
        return
    rows = batch(table, units)
    waits = waits_for(prepared, rows)

    def drawn() -> list[int]:
        return [data.draw(st.sampled_from(sorted(unit.places))) for unit in units.units]

    one, other = np.array(drawn(), dtype=np.int32), np.array([drawn(), drawn()], dtype=np.int32).T
    replicas = np.array([[data.draw(st.integers(1, 3)) for _ in range(3)] for _ in problem.levels], dtype=float)
    base = one, replicas[:, 0], waits.of(one, replicas[:, 0])
    after = waits.after(base, other, replicas[:, 1:])
    for column, counts, found in (
        (one, replicas[:, 0], base[2]),
        (other[:, 0], replicas[:, 1], after[:, 0]),
        (other[:, 1], replicas[:, 2], after[:, 1]),
    ):
        agents = placements_of(table, units, [int(level) for level in column])
        verdict = judge_prepared(prepared, SharedPlacement(agents, tuple(int(count) for count in counts)))
        for level, users in users_of(column).items():
            assert all(allowed(problem, units.units[unit].agent, level) for unit in users)
            assert found[level] == pytest.approx(min(ENDLESS_S, verdict.levels[level].waiting_s))


def test_moves_are_applied_one_by_one() -> None:
    levels = np.array([0, 0, 1], dtype=np.int32)
    found = applied(levels, [(), [((0, 1), 2)], [((0,), 1), ((2,), 0)]])
    assert found.T.tolist() == [[0, 0, 1], [2, 2, 1], [1, 0, 0]]
