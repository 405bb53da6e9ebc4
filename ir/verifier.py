"""Verifies a module again and again while passes change it, and each operation only when it, or what is in it, changed.

Most of what xDSL checks of an operation (operands, results, properties, traits) depends on that operation alone, and a
pass changes few of them; what depends on others (names, costs, an agent that is called) is checked each time.
"""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation

from ir.dialects.agent import CallOp, GraphOp
from ir.dialects.task import FunctionOp

_ALWAYS = (ModuleOp, GraphOp, CallOp)
"""Their rules look beyond them: a graph checks the names and attributes of all its operations, a call its callee."""


class Verifier:
    """Knows the operations that were verified, and how they stood then."""

    def __init__(self) -> None:
        self._verified: dict[Operation, tuple[object, ...]] = {}

    def verify(self, module: ModuleOp) -> None:
        """As `module.verify()`, with the same errors."""
        self._is_known(module)

    def _is_known(self, op: Operation) -> bool:
        """Verify an operation and what is in it, inner ones first; whether all of it stands as it was verified."""
        known = True
        for region in op.regions:
            for block in region.blocks:
                known = self._block(block) and known
                if block.parent is not region:
                    raise ValueError("the parent of a block is not the region that holds it")
        stands = _stands(op)
        if known and self._verified.get(op) == stands:
            return True
        op.verify(verify_nested_ops=False)
        if not isinstance(op, _ALWAYS) and not op.successors:
            self._verified[op] = stands
        return False

    def _block(self, block: Block) -> bool:
        if block.first_op is None:
            block.verify()
        known = True
        for op in block.ops:
            if op.parent is not block:
                raise ValueError("the parent of an operation is not the block that holds it")
            known = self._is_known(op) and known
        return known


def _stands(op: Operation) -> tuple[object, ...]:
    """All that its own rules may look at. Attributes of a user's function are for its graph to check."""
    operands = tuple(op.operands)
    whole = (
        op.parent,
        op.next_op is None,
        operands,
        [operand.type for operand in operands],
        [result.type for result in op.results],
        op.properties.copy(),
    )
    if not op.regions:
        return whole if isinstance(op, FunctionOp) else (*whole, op.attributes.copy())
    blocks = [
        (block, [argument.type for argument in block.args], tuple(block.ops))
        for region in op.regions
        for block in region.blocks
    ]
    return (*whole, op.attributes.copy(), blocks)
