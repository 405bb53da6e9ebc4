import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from placement.brute_force import every_placement
from placement.evaluate import chosen_options, judge
from placement.prepared import prepare
from placement.problem import Problem
from placement.shared_paths import FORBIDDEN_S, edge_times, latencies
from tests.placement.problems import small_problems


@settings(max_examples=80, deadline=None)
@given(small_problems(), st.integers(0, 10_000))
def test_an_array_of_placements_takes_what_the_judge_says(problem: Problem, which: int) -> None:
    prepared = prepare(problem)
    found = [one for _, one in zip(range(200), every_placement(prepared), strict=False)]
    if not found:
        return
    placement = found[which % len(found)]
    rows = chosen_options(prepared, placement)
    operator_s = np.array([[row.latency_s if row else 0.0] for row in rows]).reshape(len(rows), 1)
    edge_s = {}
    for one in edge_times(prepared):
        src, dst = placement.option[one.src], placement.option[one.dst]
        if src is not None and dst is not None:
            edge_s[one.edge] = np.array([one.seconds[src, dst]])
    seconds = float(latencies(prepared, operator_s, edge_s, placement.alternative)[0])
    verdict = judge(prepared, placement)
    if any(one.kind == "transfer" for one in verdict.violations):
        return
    assert seconds < FORBIDDEN_S
    if any(edge.items for edge in problem.edges):
        assert seconds >= verdict.latency_s - 1e-9
    else:
        assert abs(seconds - verdict.latency_s) <= 1e-9
