"""The `memory` dialect: reading and writing what an agent keeps between calls and runs.

    %docs = memory.lookup @recall(question = %q) {function = #agent.function<...>, latency_s = 0.02 : f64}
      : (!agent.text) -> !agent.json
    %history = memory.load @history() {function = ...} : () -> !agent.json
    %stored = memory.store @remember(turn = %answer) {function = ...} : (!agent.json) -> !agent.json

A lookup finds documents by meaning or key, a load reads state by name, a store writes it. Stores are never merged or
dropped.
"""

from __future__ import annotations

from abc import ABC

from xdsl.ir import Dialect
from xdsl.irdl import irdl_op_definition, result_def

from ir.dialects.task import CALL_FORMAT, CpuCallOp
from ir.dialects.values import Value


class MemoryOp(CpuCallOp, ABC):
    """A call of a memory's function."""

    result = result_def(Value)

    assembly_format = CALL_FORMAT


@irdl_op_definition
class LookupOp(MemoryOp):
    """Finds documents: `%d = memory.lookup @recall(question = %q) {function = ...} : (!agent.text) -> !agent.json`."""

    name = "memory.lookup"


@irdl_op_definition
class LoadOp(MemoryOp):
    """Reads state by name: `%h = memory.load @history() {function = ...} : () -> !agent.json`."""

    name = "memory.load"


@irdl_op_definition
class StoreOp(MemoryOp):
    """Writes state: `%s = memory.store @remember(turn = %a) {function = ...} : (!agent.json) -> !agent.json`."""

    name = "memory.store"


Memory = Dialect("memory", [LookupOp, LoadOp, StoreOp], [])
