import math

import pytest

from placement.problem import OpNode
from placement.shared_cuts import as_terms, replica_cuts
from placement.shared_surrogate import Aim, surrogate
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared


def test_a_load_of_one_and_a_half_replicas_needs_two_or_a_large_one() -> None:
    # 1.5 slots busy over a cap of 1: 1.5 replicas of the small level (1 slot), 0.75 of the large one (2 slots).
    # n_small / 1.5 + n_large / 0.75 >= 1. In units of the small: n + 2 m >= 1.5, rounded to n + 2 m >= 2. In units of
    # the large: n / 2 + m >= 0.75, whose part is 0.75, so that n's 0.5 / 0.75 = 2/3: 2/3 n + m >= 1.
    levels = (level("small", cap=1.0), level("large", cap=1.0, slots=2))
    one = agent(levels, chain(OpNode(0)), op("a", (0, 1.5, 0.0), (1, 1.5, 0.0)))
    cuts = [(dict(row), least) for row, least in replica_cuts(surrogate(shared(levels, one), [-1.0], Aim()))]
    assert cuts == [
        ({0: pytest.approx(1.0), 1: pytest.approx(2.0)}, 2.0),
        ({0: pytest.approx(2.0 / 3.0), 1: pytest.approx(1.0)}, 1.0),
    ]
    assert as_terms(({0: 1.0, 1: 2.0}, 2.0), [7, None]) == ({7: 1.0}, 2.0)


def test_no_cut_is_broken_by_replicas_that_carry_the_load() -> None:
    levels = (level("a", cap=1.0), level("b", cap=1.0, slots=3), level("c", cap=0.7, slots=2))
    rows = [op(f"o{k}", *((at, 0.3 + 0.2 * k * (at + 1), 0.0) for at in range(3))) for k in range(3)]
    table = surrogate(shared(levels, agent(levels, chain(*map(OpNode, range(3))), *rows)), [-1.0], Aim())
    cuts = list(replica_cuts(table))
    assert cuts
    for places in ((i, j, k) for i in range(3) for j in range(3) for k in range(3)):
        load = [0.0, 0.0, 0.0]
        for operator, at in enumerate(places):
            load[at] += table.shares[0][operator][at]
        replicas = [math.ceil(value) for value in load]
        for row, least in cuts:
            assert sum(value * replicas[at] for at, value in row.items()) >= least - 1e-9
