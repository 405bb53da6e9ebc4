"""Makes one call of two that ask a pure function the same, so that the second reads the first one's value.

Two searches for the same words, or two lookups of the same question, cost one.

    %a = memory.lookup @recall(question = %q) {..., pure}
    %w = agent.when @w %hard then {
      %b = memory.lookup @recall_2(question = %q) {..., pure}      // the same function, settings and arguments
      agent.yield %b
    } ...
  becomes
    %a = memory.lookup @recall(question = %q) {..., pure}
    %w = agent.when @w %hard then {
      agent.yield %a
    } ...

Common subexpression elimination over nested scopes (Cocke, "Global common subexpression elimination", 1970): a call is
known in its block and in the blocks nested after it. A memory's value is known until something is stored. Answers of
models are never shared: sampling makes each call its own. The gain is visits times demand of each call that is gone.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Hashable, MutableMapping, Sequence
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from ir import expression
from ir.dialects.agent import ExprOp, GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.names import own_id, region_parameters
from ir.effects import is_pure_call, reads_memory, writes_memory

_ITS_OWN = frozenset({"id", "name", "where"})
"""Properties that tell calls apart without changing what they do."""

Known = MutableMapping[Hashable, Operation]
"""The calls whose values may be read here, by what they ask."""


@dataclass(frozen=True)
class EliminateCommonCallsPass(ModulePass):
    """Replaces a pure call by an earlier one of the same function with the same arguments and settings."""

    name = "eliminate-common-calls"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in op.ops:
            if isinstance(graph, GraphOp):
                _Walk(_parameter_names(graph)).block(graph.body.block, {})


def _parameter_names(graph: GraphOp) -> frozenset[str]:
    """Names of regions' parameters: one that equals a call's id would hide the call from a reader below it."""
    return frozenset(name for op in graph.walk() for names in region_parameters(op) for name in names)


@dataclass(slots=True)
class _Walk:
    """One pass over a graph in the order of execution; `stores` counts the writes of memories so far."""

    hiding: frozenset[str]
    stores: int = 0
    values: dict[SSAValue, Hashable] = field(default_factory=dict[SSAValue, Hashable])

    def block(self, block: Block, known: Known) -> None:
        for op in block.ops:
            key = self.key(op)
            earlier = None if key is None else known.get(key)
            if earlier is not None:
                arguments = tuple(op.operands)
                Rewriter.replace_op(op, [], earlier.results)
                _erase_unread(arguments)
                continue
            if key is not None and own_id(op) not in self.hiding:
                known[key] = op
            self.regions(op, known)

    def regions(self, op: Operation, known: Known) -> None:
        """A region may run again after it has stored, so that what was read before it does not hold in it."""
        if not op.regions:
            self.stores += writes_memory(op)
            return
        writes = writes_memory(op)
        for region in op.regions:
            self.stores += writes
            self.block(region.block, ChainMap({}, known))
        self.stores += writes

    def key(self, op: Operation) -> Hashable | None:
        """What a call asks; None for an operation that is no pure call."""
        if not is_pure_call(op):
            return None
        settings = frozenset((name, value) for name, value in op.properties.items() if name not in _ITS_OWN)
        arguments = tuple(self.value(operand) for operand in op.operands)
        return op.name, tuple(op.result_types), settings, arguments, self.stores if reads_memory(op) else 0

    def value(self, value: SSAValue) -> Hashable:
        """A value by identity; an expression by its text over the values that it reads."""
        op = value.owner
        if not isinstance(op, ExprOp):
            return value
        if value not in self.values:
            names = {name: expression.Ref(f"v{index}") for index, name in enumerate(names_of(op.arg_names))}
            text = expression.to_text(expression.rename(expression.parse(op.text.data), names))
            self.values[value] = text, tuple(self.value(operand) for operand in op.operands)
        return self.values[value]


def _erase_unread(values: Sequence[SSAValue]) -> None:
    """Remove the expressions that only a removed call read."""
    for value in values:
        op = value.owner
        if isinstance(op, ExprOp) and value.first_use is None:
            arguments = tuple(op.operands)
            Rewriter.erase_op(op)
            _erase_unread(arguments)
