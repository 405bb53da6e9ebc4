"""Makes one operation of computes that follow each other, so that a run dispatches them once.

    %found = agent.compute @parse(text = %text) {..., pure}
    %rank = agent.compute @rank(found = %found) {..., pure}
  becomes
    %r = agent.fused @rank_fused do {
      %found = agent.compute @parse(text = %text) {..., pure}
      %rank = agent.compute @rank(found = %found) {..., pure}
      agent.yield %rank
    }

Operator fusion as of data-flow systems (Neumann, "Efficiently Compiling Efficient Query Plans", 2011). Fused are pure
computes without timeout, retries and stream, of which each value has one reader, the next one. A compute that reads
something else of its block, which may come later, stays apart: the first would wait for it. The gain is visits times
one dispatch for each compute but the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from ir.dialects.agent import ComputeOp, ExprOp, GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.control import FusedOp, YieldOp, may_be_fused
from ir.dialects.names import fresh, names_in


@dataclass(frozen=True)
class FuseCpuPass(ModulePass):
    """Fuses chains of pure computes."""

    name = "fuse-cpu"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in op.ops:
            if isinstance(graph, GraphOp):
                taken = names_in(graph.body.block) | set(names_of(graph.parameters))
                for chain in list(_chains(graph.body.block)):
                    _fuse(chain, taken)


def _chains(block: Block) -> Iterator[Sequence[ComputeOp]]:
    """The longest chains of a block and of the regions in it, each at least two computes."""
    passed: set[Operation] = set()
    for op in block.ops:
        for region in op.regions if not isinstance(op, FusedOp) else ():
            yield from _chains(region.block)
        if not isinstance(op, ComputeOp) or op in passed or not _is_candidate(op):
            continue
        ready = _sources(op)
        chain = [op]
        while (reader := _only_reader(chain[-1])) is not None and _sources(reader) - {chain[-1].result} <= ready:
            chain.append(reader)
        passed.update(chain)
        if len(chain) > 1:
            yield chain


def _is_candidate(op: ComputeOp) -> bool:
    return may_be_fused(op) and len(op.arguments) == len(names_of(op.arg_names))


def _only_reader(op: ComputeOp) -> ComputeOp | None:
    """The one compute of the same block that reads a value, itself or by one expression after another."""
    value: SSAValue = op.result
    while True:
        readers = {use.operation for use in value.uses}
        if len(readers) != 1:
            return None
        (reader,) = readers
        if reader.parent is not op.parent:
            return None
        if not isinstance(reader, ExprOp):
            return reader if isinstance(reader, ComputeOp) and _is_candidate(reader) else None
        value = reader.result


def _sources(op: ComputeOp) -> set[SSAValue]:
    """The values that tasks of its own block make for a compute, behind expressions; all others are there before."""
    found: set[SSAValue] = set()
    open_values = list(op.operands)
    while open_values:
        value = open_values.pop()
        owner = value.owner
        if isinstance(owner, ExprOp):
            open_values.extend(owner.operands)
        elif isinstance(owner, Operation) and owner.parent is op.parent:
            found.add(value)
    return found


def _fuse(chain: Sequence[ComputeOp], taken: set[str]) -> None:
    last = chain[-1]
    name = fresh(f"{last.id.data}_fused", taken)
    taken.add(name)
    body = Block()
    fused = FusedOp.create(result_types=[last.result.type], properties={"id": StringAttr(name)}, regions=[Region(body)])
    fused.result.name_hint = last.result.name_hint
    Rewriter.insert_op(fused, InsertPoint.before(last))
    last.result.replace_all_uses_with(fused.result)
    for op in _members(chain):
        op.detach()
        body.add_op(op)
    body.add_op(YieldOp.create(operands=[last.result]))


def _members(chain: Sequence[ComputeOp]) -> list[Operation]:
    """The computes of a chain and the expressions between them, in order."""
    members: list[Operation] = []
    for op, following in zip(chain, [*chain[1:], None], strict=True):
        members.append(op)
        value = op.result
        while following is not None and (reader := next(iter(value.uses)).operation) is not following:
            members.append(reader)
            value = reader.results[0]
    return members
