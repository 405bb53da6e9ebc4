"""Frames: one per block instance (a loop's iteration, a fan-out's item, a react's turn), holding its values and its
progress.

A frame owns the frames of its control nodes, so that a failure or a cancellation ends exactly one subtree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ir.expression import evaluate
from runtime.events import Dispatch, Json
from runtime.formula import BOUND, Formula
from runtime.program import NONE, Program

Sources = dict[int, float]
"""The operators that a value came from, each with the time at which it finished."""

NOTHING: Sources = {}


@dataclass(slots=True, eq=False)
class Frame:
    """The values of a block instance and which of its nodes still wait. Slots are parameters, then nodes."""

    block: int
    path: str
    ready_at: float
    values: list[Json]  # [slot]
    sources: list[Sources]  # [slot]
    waiting: list[int]  # [node of the block]: dependencies that have not finished
    ready: list[float]  # [node of the block]: latest finish of its dependencies so far
    left: int
    latest: float
    parent: Frame | None = None
    owner: int = NONE
    key: int = 0
    running: dict[int, Dispatch] = field(default_factory=dict[int, Dispatch])
    controls: dict[int, Any] = field(default_factory=dict[int, Any])
    children: dict[int, list[Frame]] = field(default_factory=dict[int, "list[Frame]"])
    firsts: dict[int, float] = field(default_factory=dict[int, float])  # [node]: when its first item was out
    ended: dict[int, float] = field(default_factory=dict[int, float])  # [node of these]: when its value was there
    closed: bool = False

    def subtree(self) -> Iterator[Frame]:
        """This frame and all frames below it that are still open."""
        yield self
        for frames in self.children.values():
            for frame in frames:
                if not frame.closed:
                    yield from frame.subtree()


def open_frame(program: Program, block: int, path: str, ready_at: float) -> Frame:
    """A frame in which nothing has run yet; the caller sets its parameters and its place in the tree."""
    slots, nodes = program.slots(block), program.nodes(block)
    return Frame(
        block=block,
        path=path,
        ready_at=ready_at,
        values=[None] * slots,
        sources=[NOTHING] * slots,
        waiting=list(program.dependency_counts[nodes.start : nodes.stop]),
        ready=[ready_at] * len(nodes),
        left=len(nodes),
        latest=ready_at,
    )


def value_of(formula: Formula, frame: Frame, bound: Json = None) -> Json:
    """The value of an expression in a frame. Raises `ir.expression.ExpressionError` where it has none."""
    values = {
        place.name: bound if place.levels == BOUND else _outwards(frame, place.levels).values[place.slot]
        for place in formula.places
    }
    if formula.bare:
        return values[formula.places[0].name]
    return evaluate(formula.expression, values)


def sources_of(formula: Formula, frame: Frame) -> Sources:
    """The operators that the value of an expression came from."""
    found = [_outwards(frame, p.levels).sources[p.slot] for p in formula.places if p.levels != BOUND]
    return merged(found)


def merged(parts: list[Sources]) -> Sources:
    """All sources of several values, each with its latest finish."""
    kept = [part for part in parts if part]
    if len(kept) <= 1:
        return kept[0] if kept else NOTHING
    union: Sources = dict(kept[0])
    for part in kept[1:]:
        for operator, at in part.items():
            union[operator] = max(at, union.get(operator, at))
    return union


def owner_of(frame: Frame) -> Frame:
    """The frame of the control node that a frame belongs to."""
    assert frame.parent is not None, "only blocks inside a node have an owner"
    return frame.parent


def _outwards(frame: Frame, levels: int) -> Frame:
    for _ in range(levels):
        assert frame.parent is not None, "the program resolved the name to a scope that encloses this one"
        frame = frame.parent
    return frame
