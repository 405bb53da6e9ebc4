from placement.interval import latency_interval_s
from placement.problem import Block, DeviceCapacity, Operator, OpNode, Option, Placement, Pool, Problem

POOL = Pool("p", "d", "dc", 1, None, None, "d", "d")


def chain(*options: Option) -> Problem:
    operators = tuple(Operator(f"o{index}", "x", 1.0, (option,)) for index, option in enumerate(options))
    nodes = tuple(OpNode(index) for index in range(len(options)))
    waits = tuple((index - 1,) if index else () for index in range(len(options)))
    return Problem("test", operators, (POOL,), (DeviceCapacity("d", 1),), (), Block(nodes, waits))


def test_a_chain_lies_between_the_sums_of_its_ends() -> None:
    # 0.8 + 1.5 + 0.5 and 1.3 + 2.5 + 0.5; the last has no interval
    problem = chain(
        Option(0, 1.0, 0.0, low_s=0.8, high_s=1.3), Option(0, 2.0, 0.0, low_s=1.5, high_s=2.5), Option(0, 0.5, 0.0)
    )
    low, high = latency_interval_s(problem, Placement((0, 0, 0), ())) or (0.0, 0.0)
    assert (round(low, 9), round(high, 9)) == (2.8, 4.3)


def test_without_any_interval_nothing_is_said() -> None:
    assert latency_interval_s(chain(Option(0, 1.0, 0.0)), Placement((0,), ())) is None
