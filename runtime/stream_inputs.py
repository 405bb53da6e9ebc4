"""The inputs of a plan's operators that come item by item, checked and resolved to the nodes that give them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from placement.plan import Node, OpNode
from runtime.errors import ProgramError
from runtime.formula import Scope
from runtime.node_parts import free_names, resolve_text


class Stream(NamedTuple):
    """The input `name` comes in `items` items from the operator of node `source` of the same block."""

    name: str
    source: int
    items: float


def stream_inputs(node: Node, scope: Scope, node_at: Callable[[Scope, int], int | None]) -> tuple[Stream, ...]:
    """The streams that a node reads; none unless it runs an operator.

    Raises `ProgramError` for a stream of less than 2 items or of anything but the whole value of one operator of the
    same block, which no other input may read.
    """
    if not isinstance(node, OpNode):
        return ()
    found: list[Stream] = []
    for name, items in node.streams.items():
        where = f"{node.id}.streams[{name!r}]"
        if name not in node.inputs or not 1.0 < items < math.inf:
            raise ProgramError(f"{where} is {items:g}: name an input, and more than 1 item")
        formula = resolve_text(node.inputs[name], scope, where)
        source = None
        if formula.bare and formula.places[0].levels == 0:
            source = node_at(scope, formula.places[0].slot)
        others = node.model_copy(update={"inputs": {key: text for key, text in node.inputs.items() if key != name}})
        if source is None or formula.places[0].name in free_names(others):
            raise ProgramError(
                f"{where} reads {node.inputs[name]!r}; only the value of an operator of the same block streams, "
                "to one input"
            )
        found.append(Stream(name, source, items))
    return tuple(found)


def given_items(streams: Sequence[Sequence[Stream]]) -> tuple[float | None, ...]:
    """[node] the number of items in which others read its value; None where all read it as a whole."""
    given: dict[int, float] = {stream.source: stream.items for read in streams for stream in read}
    return tuple(given.get(node) for node in range(len(streams)))
