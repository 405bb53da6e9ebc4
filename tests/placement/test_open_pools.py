from dataclasses import replace

from hypothesis import given, settings

from ir.sla import Sla
from placement.evaluate import score
from placement.greedy import greedy
from placement.open_pools import with_open_pools
from placement.prepared import prepare
from placement.problem import OpNode, Problem
from tests.placement.problems import chain, operator, pool, problem, small_problems


def test_a_pool_that_only_many_operators_pay_for_is_opened() -> None:
    # One device: all ten operators at 3 $ on p or at 1 $ on q. Any one that moved alone would need both pools.
    pools = (pool("p", "gpu"), pool("q", "gpu"))
    rows = tuple(operator(f"o{k}", (0, 1.0, 3.0), (1, 1.0, 1.0)) for k in range(10))
    table = problem(rows, chain(*map(OpNode, range(10))), pools=pools, counts=1, sla=Sla("worst", 10.0))
    narrowed = with_open_pools(prepare(table), ())
    assert narrowed is not None
    assert narrowed.kept == ((1,),) * 10


def test_slow_pools_are_not_opened_where_the_limit_forbids_it() -> None:
    pools = (pool("p", "gpu"), pool("q", "gpu"))
    rows = tuple(operator(f"o{k}", (0, 1.0, 3.0), (1, 4.0, 1.0)) for k in range(4))
    table = problem(rows, chain(*map(OpNode, range(4))), pools=pools, counts=1, sla=Sla("worst", 10.0))
    narrowed = with_open_pools(prepare(table), ())
    assert narrowed is not None
    assert narrowed.kept == ((0,),) * 4


def test_operators_that_fit_no_pool_together_leave_no_set() -> None:
    # The two must share a pool, and neither can run where the other can.
    pools = (pool("p", "gpu"), pool("q", "gpu"))
    rows = (operator("prefill", (0, 1.0, 1.0)), operator("decode", (1, 1.0, 1.0)))
    same = replace(problem(rows, chain(OpNode(0), OpNode(1)), pools=pools, counts=2), groups=((0, 1),))
    assert with_open_pools(prepare(same), ()) is None


@settings(max_examples=80, deadline=None)
@given(small_problems())
def test_every_answer_within_the_set_fits_the_fleet(table: Problem) -> None:
    prepared = prepare(table)
    if any(not row.options for row in table.operators):
        return
    narrowed = with_open_pools(prepared, (0,) * len(table.choices))
    if narrowed is None:
        return
    answer = greedy(prepare(narrowed.problem))
    assert answer is not None
    found = score(prepared, narrowed.restore(answer.placement))
    assert found == answer.score
    assert found.broken == 0.0 or any(table.groups) or any(table.edges)
