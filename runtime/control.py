"""What the control nodes of a run mean: when, loop, fanout, react, observe, interrupt and call, each in one place.

A node's meaning is two functions: what happens when it starts, and when a block inside it has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from runtime.events import Json
from runtime.failure import Failure
from runtime.formula import Formula
from runtime.frames import NOTHING, Frame, Sources, merged, owner_of, sources_of, value_of
from runtime.program import Kind
from runtime.react import react_block_done, start_react

if TYPE_CHECKING:
    from runtime.run_state import RunState

Start = Callable[["RunState", Frame, int, float], None]
"""Called with the frame, the node and the time at which all that it reads was there."""

BodyDone = Callable[["RunState", Frame, Json, Sources, float], None]
"""Called with the frame that ended, its value, where the value came from and when."""


@dataclass(slots=True)
class _Fanout:
    values: list[Json]
    sources: list[Sources]
    left: int
    latest: float


def _formula(run: RunState, node: int) -> Formula:
    formula = run.program.formulas[node]
    assert formula is not None, "the program gives this kind of node an expression"
    return formula


def _start_when(run: RunState, frame: Frame, node: int, at: float) -> None:
    then, orelse = run.program.blocks(node)
    chosen = then if value_of(_formula(run, node), frame) else orelse
    run.open(frame, node, chosen, key=0, path=frame.path, at=at)


def _start_call(run: RunState, frame: Frame, node: int, at: float) -> None:
    (body,) = run.program.blocks(node)
    inputs = [(value_of(formula, frame), sources_of(formula, frame)) for _, formula in run.program.inputs[node]]
    child = run.open(frame, node, body, key=0, path=run.path(frame, node), at=at)
    for slot, (value, sources) in enumerate(inputs):
        child.values[slot], child.sources[slot] = value, sources


def _pass_on(run: RunState, frame: Frame, value: Json, sources: Sources, at: float) -> None:
    run.finish_node(owner_of(frame), frame.owner, value, sources, at)


def _start_loop(run: RunState, frame: Frame, node: int, at: float) -> None:
    formula = _formula(run, node)
    _iterate(run, frame, node, 0, (value_of(formula, frame), sources_of(formula, frame), at))


def _loop_body_done(run: RunState, frame: Frame, value: Json, sources: Sources, at: float) -> None:
    _iterate(run, owner_of(frame), frame.owner, frame.key + 1, (value, sources, at))


def _iterate(run: RunState, frame: Frame, node: int, done: int, current: tuple[Json, Sources, float]) -> None:
    """Test `until`, then run the body once more unless it holds or the cap is reached. `done` bodies have run."""
    value, sources, at = current
    until = run.program.untils[node]
    assert until is not None, "the program gives a loop its test"
    if value_of(until, frame, value):
        run.finish_node(frame, node, value, sources, at)
        return
    if done == run.program.limits[node]:
        run.log("loop_capped", frame, node, done, at)
        run.finish_node(frame, node, value, sources, at)
        return
    (body,) = run.program.blocks(node)
    frame.children.pop(node, None)
    child = run.open(frame, node, body, key=done, path=run.path(frame, node, done), at=at)
    child.values[0], child.sources[0] = value, sources


def _start_fanout(run: RunState, frame: Frame, node: int, at: float) -> None:
    formula, limit = _formula(run, node), run.program.limits[node]
    items, sources = value_of(formula, frame), sources_of(formula, frame)
    if not isinstance(items, list):
        run.fail_node(frame, node, "FanoutError", f"fanout needs a list of items, got {type(items).__name__}", at)
        return
    work = cast(list[Json], items)
    if len(work) > limit:
        if not run.program.truncates[node]:
            remedy = "raise max, or write overflow='truncate' to keep the first ones"
            run.fail_node(frame, node, "FanoutError", f"fanout got {len(work)} items, max={limit}; {remedy}", at)
            return
        run.log("truncated", frame, node, {"items": len(work), "kept": limit}, at)
        work = work[:limit]
    if not work:
        run.finish_node(frame, node, [], sources, at)
        return
    frame.controls[node] = _Fanout([None] * len(work), [NOTHING] * len(work), len(work), at)
    (body,) = run.program.blocks(node)
    for key, item in enumerate(work):
        child = run.open(frame, node, body, key=key, path=run.path(frame, node, key), at=at)
        child.values[0], child.sources[0] = item, sources


def _item_done(run: RunState, frame: Frame, value: Json, sources: Sources, at: float) -> None:
    owner = owner_of(frame)
    state = cast(_Fanout, owner.controls[frame.owner])
    state.values[frame.key], state.sources[frame.key] = value, sources
    state.latest = max(state.latest, at)
    state.left -= 1
    if state.left == 0:
        run.finish_node(owner, frame.owner, state.values, merged(state.sources), state.latest)


def _start_observe(run: RunState, frame: Frame, node: int, at: float) -> None:
    formula = _formula(run, node)
    value = value_of(formula, frame)
    run.log("observed", frame, node, value, at)
    run.finish_node(frame, node, value, sources_of(formula, frame), at)


def _start_interrupt(run: RunState, frame: Frame, node: int, at: float) -> None:
    run.ask(frame, node, value_of(_formula(run, node), frame), at)


def _start_op(run: RunState, frame: Frame, node: int, at: float) -> None:
    run.dispatch(frame, node, at)


def collected_error(failure: Failure) -> Json:
    """What stands in a collecting fan-out's list where an item failed."""
    return {"error": f"{failure.type}: {failure.message}"}


START: dict[Kind, Start] = {
    Kind.OP: _start_op,
    Kind.WHEN: _start_when,
    Kind.LOOP: _start_loop,
    Kind.FANOUT: _start_fanout,
    Kind.REACT: start_react,
    Kind.OBSERVE: _start_observe,
    Kind.INTERRUPT: _start_interrupt,
    Kind.CALL: _start_call,
}

BODY_DONE: dict[Kind, BodyDone] = {
    Kind.WHEN: _pass_on,
    Kind.LOOP: _loop_body_done,
    Kind.FANOUT: _item_done,
    Kind.REACT: react_block_done,
    Kind.CALL: _pass_on,
}
