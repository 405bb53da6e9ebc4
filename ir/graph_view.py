"""A module at any stage as a chart: operations as nodes, regions and alternatives as clusters, values as links.

For people who want to see what a pass did. Everything in the module is drawn once; nothing is unrolled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue

from ir.chart import Chart, Cluster, Link, Node
from ir.dialects import agent
from ir.dialects.assembly import names_of
from ir.dialects.control import FanoutOp, LoopOp, ReactOp, WhenOp
from ir.dialects.names import own_id, region_parameters
from ir.op_label import label_of, region_names, shape_of, type_label
from ir.view import graphs

_NO_KEY = re.compile(r"[^A-Za-z0-9_]")

Parts = list[Node | Cluster]


def to_chart(module: ModuleOp) -> Chart:
    """The chart of a verified module.

    Labels give an operation's kind and id, its models, bounds and probabilities, and after annotate-demand its mean
    visits in a run. A link has the type of its value where that is no plain JSON. Dashed links show what control does:
    a branch taken, the next turn of a loop, a called agent.
    """
    writer = _Writer()
    parts = tuple(writer.graph(graph) for graph in graphs(module))
    return Chart(parts, (*writer.links, *writer.calls()))


class _Writer:
    """Makes keys and collects links; `keys` stand for the values so far, `ends` for the operations that end blocks."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.keys: dict[SSAValue, str] = {}
        self.ends: dict[Operation, str] = {}
        self.graph_keys: dict[str, str] = {}
        self.called: list[tuple[str, str]] = []
        self.count = 0

    def key(self, name: str) -> str:
        """A key that no other part has."""
        self.count += 1
        return f"n{self.count}_{_NO_KEY.sub('_', name)}"

    def graph(self, graph: agent.GraphOp) -> Cluster:
        """The cluster of an agent."""
        key = self.key(graph.sym_name.data)
        self.graph_keys[graph.sym_name.data] = key
        return Cluster(key, label_of(graph), tuple(self.block(graph.body.block, names_of(graph.parameters))))

    def block(self, block: Block, parameters: Iterable[str]) -> Parts:
        """The arguments of a block, named by their parameters, and its operations."""
        parts: Parts = []
        for argument, name in zip(block.args, parameters, strict=True):
            self.keys[argument] = self.key(name)
            parts.append(Node(self.keys[argument], "input", (name,)))
        parts.extend(self.operation(op) for op in block.ops)
        return parts

    def operation(self, op: Operation) -> Node | Cluster:
        """An operation as a node, or with its regions as a cluster."""
        if op.regions:
            return self.with_regions(op)
        key = self.key(own_id(op) or op.name)
        self.keys.update((result, key) for result in op.results)
        if not op.results:
            self.ends[op] = key
        self.read(op, key)
        if isinstance(op, agent.CallOp):
            self.called.append((key, op.callee.root_reference.data))
        return Node(key, shape_of(op), label_of(op))

    def with_regions(self, op: Operation) -> Cluster:
        """A cluster of clusters; a region that is run again has links back to its arguments."""
        key = self.key(own_id(op) or op.name)
        parts: Parts = []
        if isinstance(op, WhenOp):
            test = Node(self.key("test"), "condition", ("test",))
            self.read(op, test.key)
            parts.append(test)
        insides = [self.region(op, index, region) for index, region in enumerate(op.regions)]
        parts.extend(insides)
        if isinstance(op, WhenOp):
            self.branches(op, parts[0].key, insides)
        elif isinstance(op, ReactOp):
            self.turns(op)
        else:
            self.feed(op)
        self.keys.update((result, key) for result in op.results)
        return Cluster(key, label_of(op), tuple(parts))

    def region(self, op: Operation, index: int, region: Region) -> Cluster:
        """The cluster of a region."""
        name = region_names(op)[index]
        key = self.key(name)
        hints = [argument.name_hint or f"operand {at}" for at, argument in enumerate(region.block.args)]
        parameters = region_parameters(op)[index] or hints
        return Cluster(key, (name,), tuple(self.block(region.block, parameters)))

    def read(self, op: Operation, key: str) -> None:
        """A link from each value that is read, once."""
        for operand in dict.fromkeys(op.operands):
            self.links.append(Link(self.keys[operand], key, type_label(operand)))

    def branches(self, op: WhenOp, test: str, insides: list[Cluster]) -> None:
        """From the test to both regions, with their probabilities."""
        p = None if op.p is None else op.p.value.data
        for inside, chance in zip(insides, (p, None if p is None else 1 - p), strict=True):
            said = "p unknown" if chance is None else f"p={chance:g}"
            self.links.append(Link(test, inside.key, f"{inside.label[0]} {said}", dashed=True))

    def feed(self, op: Operation) -> None:
        """From each operand to the argument that it feeds in each region, and around a loop."""
        for region in op.regions:
            for operand, argument in zip(op.operands, region.block.args, strict=True):
                dashed = isinstance(op, FanoutOp)
                label = "each item" if dashed else type_label(operand)
                self.links.append(Link(self.keys[operand], self.keys[argument], label, dashed))
        if isinstance(op, LoopOp):
            made = self.end(op.body)
            for region in op.regions:
                self.links.append(Link(made, self.keys[region.block.args[0]], "next", dashed=True))

    def turns(self, op: ReactOp) -> None:
        """From the turn to each tool, and back."""
        turn = self.end(op.turn)
        for region in op.tools:
            self.links.append(Link(turn, self.keys[region.block.args[0]], "calls", dashed=True))
            self.links.append(Link(self.end(region), self.keys[op.turn.block.args[0]], "messages", dashed=True))

    def end(self, region: Region) -> str:
        """The node of the operation that ends a region."""
        last = region.block.last_op
        assert last is not None, "a verified region ends in a yield"
        return self.ends[last]

    def calls(self) -> list[Link]:
        """From each call of an agent to that agent."""
        return [Link(key, self.graph_keys[name], "calls", dashed=True) for key, name in self.called]
