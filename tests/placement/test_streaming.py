"""Which marked streams are streams on a fleet."""

from dataclasses import replace

import pytest

from placement.data_flow import EdgeSpec
from placement.operators import OperatorSpec
from placement.options import Rows
from placement.pricing import Row
from placement.streaming import streaming_edges
from tests.placement.problems import pool

SIMULATED, CPU = pool("device"), replace(pool("core"), driver="cpu")


def spec(op: str) -> OperatorSpec:
    return OperatorSpec(id="a", value="a", op=op, function="f", phase="run", visits=1.0)


def rows(*drivers: str) -> Rows:
    pools = [SIMULATED if driver == "simulated" else CPU for driver in drivers]
    return Rows(tuple(Row(each, 1.0, 0.0, "prior") for each in pools), ())


def edge(src: int, items: float | None = 4.0) -> EdgeSpec:
    return EdgeSpec(src, 2, carries="data", share=1.0, copies=1.0, is_internal=False, items=items)


@pytest.mark.parametrize(
    ("ops", "drivers", "streams"),
    [
        (("model.run", "model.run", "model.run"), ("simulated",) * 3, True),
        (("model.run", "llm.parse", "model.run"), ("simulated", "cpu", "simulated"), True),
        (("llm.decode", "llm.decode", "llm.parse"), ("simulated", "simulated", "cpu"), True),
        (("model.run", "model.run", "model.run"), ("simulated", "cpu", "simulated"), False),
        (("model.run", "model.run", "model.run"), ("simulated", "simulated", "cpu"), False),
    ],
)
def test_every_driver_at_both_ends_must_keep_a_stream_up(
    ops: tuple[str, ...], drivers: tuple[str, ...], streams: bool
) -> None:
    specs, table = [spec(op) for op in ops], [rows(driver) for driver in drivers]
    found = streaming_edges((edge(0), edge(1)), specs, table)
    assert [each.items for each in found] == [4.0 if streams else None] * 2


def test_one_row_that_cannot_is_enough_and_what_never_streamed_stays() -> None:
    specs = [spec("model.run")] * 3
    table = [rows("simulated", "cpu"), rows("cpu"), rows("simulated")]
    found = streaming_edges((edge(0), edge(1, None)), specs, table)
    assert [each.items for each in found] == [None, None]
    table[0] = rows("simulated")
    assert [each.items for each in streaming_edges((edge(0), edge(1, None)), specs, table)] == [4.0, None]
