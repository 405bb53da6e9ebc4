import math

import numpy as np

from ir.sla import Sla
from placement.problem import OpNode
from placement.shared_batch import batch
from placement.shared_greedy import _improve, _merits, shared_greedy
from placement.shared_surrogate import Aim, surrogate
from placement.shared_units import units_of
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared


def test_three_levels_change_together_where_no_two_would_do() -> None:
    # a: 9 $ in 1 s or 5 $ in 3 s; b and c: 2 $ in 3 s or 3.5 $ in 2 s. 7 s are allowed, and all are taken: 1 + 3 + 3.
    # Only a's slower level with both faster ones keeps 7 s (3 + 2 + 2) and saves: 5 + 3.5 + 3.5 = 12 $ for 13 $.
    prices = {"a0": 9.0, "a1": 5.0, "b0": 2.0, "b1": 3.5, "c0": 2.0, "c1": 3.5}
    levels = tuple(level(name, slots=64, usd=usd) for name, usd in prices.items())
    rows = (
        op("a", (0, 1.0, 0.0), (1, 3.0, 0.0)),
        op("b", (2, 3.0, 0.0), (3, 2.0, 0.0)),
        op("c", (4, 3.0, 0.0), (5, 2.0, 0.0)),
    )
    one = agent(levels, chain(*map(OpNode, range(3))), *rows, rate=0.01, sla=Sla("mean", 7.01))
    table = surrogate(shared(levels, one), [-1.0], Aim())
    arrays = batch(table, units_of(table, [()]))
    start = np.array([0, 2, 4], dtype=np.int32)
    merit = float(_merits(arrays, start[:, None])[0])
    assert merit == 13.0
    seen: set[bytes] = set()
    found = _improve(arrays, start, merit, (math.inf, seen))
    assert found is not None
    assert found.tolist() == [1, 3, 5]
    # Another start that comes by the same levels would end as this one did.
    assert _improve(arrays, start, merit, (math.inf, seen)) is None
    answer = shared_greedy(table)
    assert answer is not None
    assert answer.score.objective == 12.0
