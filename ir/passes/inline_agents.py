"""Puts the body of a nested agent where it is called, so that one graph holds every operator that is placed.

A name of the callee that the caller already has gets the call's id before it; the graphs that were called are dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import PassFailedException

from ir.build import strings
from ir.dialects.agent import CallOp, GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.control import ReactOp
from ir.dialects.names import fresh, names_in


@dataclass(frozen=True)
class InlineAgentsPass(ModulePass):
    """Replaces each `agent.call` by the body of its graph."""

    name = "inline-agents"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        graphs = {graph.sym_name.data: graph for graph in op.ops if isinstance(graph, GraphOp)}
        called: set[str] = set()
        for graph in _callees_first(graphs):
            called |= _inline_calls(graph, graphs)
        for name in called:
            Rewriter.erase_op(graphs[name])


def _callees_first(graphs: dict[str, GraphOp]) -> list[GraphOp]:
    """The graphs in an order in which every graph follows those that it calls."""
    done: dict[str, GraphOp] = {}
    path: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        if name in path:
            cycle = " -> ".join([*path[path.index(name) :], name])
            raise PassFailedException(f"agents call each other in a circle: {cycle}; bound the recursion with a loop")
        path.append(name)
        for call in _calls(graphs[name]):
            visit(call.callee.root_reference.data)
        path.pop()
        done[name] = graphs[name]

    for name in graphs:
        visit(name)
    return list(done.values())


def _calls(graph: GraphOp) -> list[CallOp]:
    return [op for op in graph.walk() if isinstance(op, CallOp)]


def _inline_calls(graph: GraphOp, graphs: dict[str, GraphOp]) -> set[str]:
    """Inline every call in a graph, whose callees call nothing themselves; returns the callees' names."""
    taken = names_in(graph.body.block) | set(names_of(graph.parameters))
    callees: set[str] = set()
    for call in _calls(graph):
        callee = graphs[call.callee.root_reference.data]
        callees.add(callee.sym_name.data)
        body = callee.body.clone().block
        _rename(body, call.id.data, taken)
        _replace(call, body, callee)
    return callees


def _replace(call: CallOp, body: Block, callee: GraphOp) -> None:
    arguments = dict(zip(names_of(call.arg_names), call.arguments, strict=True))
    output = body.last_op
    assert output is not None, "a verified graph ends in agent.output"
    Rewriter.inline_block(body, InsertPoint.before(call), [arguments[name] for name in names_of(callee.parameters)])
    (value,) = output.operands
    Rewriter.erase_op(output)
    Rewriter.replace_op(call, [], [value])


def _rename(body: Block, call: str, taken: set[str]) -> None:
    """Give the names in a callee's body that the caller has the call's id as a prefix, and take them all."""
    inner = names_in(body)
    names = dict.fromkeys(sorted(inner & taken), "")
    taken |= inner
    for name in names:
        names[name] = fresh(f"{call}_{name}", taken)
        taken.add(names[name])
    for op in body.walk():
        _rename_op(op, names)


def _rename_op(op: Operation, names: dict[str, str]) -> None:
    for key in ("id", "call", "parameter"):
        attribute = op.properties.get(key)
        if isinstance(attribute, StringAttr):
            op.properties[key] = StringAttr(names.get(attribute.data, attribute.data))
    if isinstance(op, ReactOp):
        op.properties["parameters"] = strings(names.get(name, name) for name in names_of(op.parameters))
