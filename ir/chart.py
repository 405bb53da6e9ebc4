"""A drawing as plain data: nodes in nested clusters, and links between them.

What is drawn is decided once, by whoever makes a chart; how it is written, as Mermaid or as DOT, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Shape = Literal["input", "output", "model", "call", "memory", "compute", "comm", "condition", "value", "note", "ask"]
"""What a node stands for; each way to write a chart has an outline for each."""

Label = tuple[str, ...]
"""Lines of text."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node. `key` is unique in its chart, among nodes and clusters, and made of letters, digits and `_`."""

    key: str
    shape: Shape
    label: Label


@dataclass(frozen=True, slots=True)
class Cluster:
    """A box around nodes and further boxes; it holds at least one node."""

    key: str
    label: Label
    parts: tuple[Node | Cluster, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """From a value to its reader; `dashed` where something else than one value moves once, such as the next turn.

    `both_ways` stands for a second link back.
    """

    source: str
    target: str
    label: str = ""
    dashed: bool = False
    both_ways: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole drawing. Neither end of a link lies in a cluster that is its other end."""

    parts: tuple[Node | Cluster, ...]
    links: tuple[Link, ...]


def nodes(part: Node | Cluster) -> Iterator[Node]:
    """The nodes in a part, in order; of a node, itself."""
    if isinstance(part, Node):
        yield part
        return
    for inner in part.parts:
        yield from nodes(inner)


def shorten(text: str, most: int = 60) -> str:
    """A line of a label with at most so many characters."""
    return text if len(text) <= most else text[: most - 3] + "..."
