"""The `memory` dialect: reading and writing what an agent keeps between calls and runs.

    %docs = memory.lookup @recall(question = %q) {function = #agent.function<...>, k = 4 : i64, latency_s = 0.02 : f64}
      : (!agent.text) -> !agent.json
    %history = memory.load @history() {function = ...} : () -> !agent.json
    %stored = memory.store @remember(turn = %answer) {function = ...} : (!agent.json) -> !agent.json

A lookup finds documents by meaning or key, a load reads state by name, a store writes it. Stores are never merged or
dropped.
"""

from __future__ import annotations

from abc import ABC

from xdsl.ir import Dialect
from xdsl.irdl import irdl_op_definition, opt_prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from ir.dialects.task import CALL_FORMAT, INTEGER, CpuCallOp
from ir.dialects.values import VALUE


class MemoryOp(CpuCallOp, ABC):
    """A call of a memory's function."""

    result = result_def(VALUE)

    assembly_format = CALL_FORMAT


@irdl_op_definition
class LookupOp(MemoryOp):
    """Finds documents; `k` is the number that it keeps.

    %d = memory.lookup @recall(question = %q) {function = ..., k = 4 : i64} : (!agent.text) -> !agent.json
    """

    name = "memory.lookup"

    k = opt_prop_def(INTEGER)

    def verify_(self) -> None:
        super().verify_()
        if self.k is not None and self.k.value.data < 1:
            raise VerifyException(f"k of @{self.id.data} must be at least 1, got {self.k.value.data}")


@irdl_op_definition
class LoadOp(MemoryOp):
    """Reads state by name: `%h = memory.load @history() {function = ...} : () -> !agent.json`."""

    name = "memory.load"


@irdl_op_definition
class StoreOp(MemoryOp):
    """Writes state: `%s = memory.store @remember(turn = %a) {function = ...} : (!agent.json) -> !agent.json`."""

    name = "memory.store"

    def verify_(self) -> None:
        super().verify_()
        if self.pure is not None:
            raise VerifyException(f"@{self.id.data} is a store, which writes, so it cannot be pure")


Memory = Dialect("memory", [LookupOp, LoadOp, StoreOp], [])
