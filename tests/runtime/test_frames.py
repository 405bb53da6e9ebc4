"""Frames: values read outwards, where they came from, and the subtree that a failure ends."""

from typing import Any

from placement.plan import FanoutNode
from runtime.frames import NOTHING, merged, open_frame, sources_of, value_of
from runtime.program import compile


def nested(plans: Any) -> Any:
    body = plans.block([plans.op("f", q="q")], "q + k", "q")
    return compile(plans.plan([plans.op("k"), FanoutNode(id="fan", items="[1]", body=body, max=1)], "fan"))


def test_an_inner_frame_reads_outwards(plans: Any) -> None:
    program = nested(plans)
    outer = open_frame(program, 0, "", 0.0)
    inner = open_frame(program, 1, "fan[0]/", 2.0)
    inner.parent = outer
    outer.values[0], outer.sources[0] = 10, {0: 1.5}
    inner.values[0] = 3
    assert value_of(program.results[1], inner) == 13
    assert sources_of(program.results[1], inner) == {0: 1.5}
    assert (inner.ready, inner.left, inner.latest) == ([2.0], 1, 2.0)


def test_sources_merge_to_the_latest_finish() -> None:
    assert merged([{1: 2.0, 2: 5.0}, NOTHING, {1: 3.0}]) == {1: 3.0, 2: 5.0}
    assert merged([]) == {}


def test_a_closed_frame_is_no_part_of_the_subtree(plans: Any) -> None:
    program = nested(plans)
    outer, one, two = (open_frame(program, block, "", 0.0) for block in (0, 1, 1))
    outer.children[1] = [one, two]
    assert list(outer.subtree()) == [outer, one, two]
    one.closed = True
    assert list(outer.subtree()) == [outer, two]
