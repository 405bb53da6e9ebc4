"""The `comm` dialect: state that moves between devices.

    %moved = comm.kv_transfer @answer_kv_transfer %kv call "answer" {layerwise, function = ...}
      : !llm.kv<"llama3.1-8b", 900, ?>

Only what a pass puts between two stages is an operation here; moving an ordinary value is an edge, priced by placement.
"""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import Dialect
from xdsl.irdl import VarConstraint, base, irdl_op_definition, operand_def, opt_prop_def, result_def

from ir.dialects.llm import KvType
from ir.dialects.task import PartOp


@irdl_op_definition
class KvTransferOp(PartOp):
    """Moves a KV from the pool that prefilled to the pool that decodes; with `layerwise`, layer by layer.

    %moved = comm.kv_transfer @answer_kv_transfer %kv call "answer" {layerwise, function = ...}
      : !llm.kv<"llama3.1-8b", 900, ?>
    """

    name = "comm.kv_transfer"

    T: ClassVar = VarConstraint("T", base(KvType))

    kv = operand_def(T)
    layerwise = opt_prop_def(UnitAttr)
    result = result_def(T)

    assembly_format = "$id $kv `call` $call attr-dict `:` type($kv)"


Comm = Dialect("comm", [KvTransferOp], [])
