"""Which of the marked streams of an agent are streams on a fleet: those that every driver at both ends keeps up.

A simulated device hands on and takes in a stream as its prediction says. A driver of CPU cores runs a user's function,
which gives and takes whole values, but for the parse of a plain text, which passes on what it gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from placement.data_flow import Edges, EdgeSpec
from placement.operators import OperatorSpec
from placement.options import Rows


def streaming_edges(edges: Edges, specs: Sequence[OperatorSpec], table: Sequence[Rows]) -> Edges:
    """The edges, with `items` only where the reader and all that it reads item by item stream at every row."""
    asked: dict[int, list[EdgeSpec]] = {}
    for edge in edges:
        if edge.items is not None:
            asked.setdefault(edge.dst, []).append(edge)
    whole = {
        reader
        for reader, read in asked.items()
        if not all(streams(specs[end], table[end]) for end in (reader, *(edge.src for edge in read)))
    }
    return tuple(replace(edge, items=None) if edge.dst in whole else edge for edge in edges)


def streams(spec: OperatorSpec, rows: Rows) -> bool:
    """Whether an operator takes and gives items at every row."""
    return spec.op == "llm.parse" or all(row.pool.driver == "simulated" for row in rows.rows)
