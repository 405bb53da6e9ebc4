"""Marks KV transfers that may send each layer's KV while prefill computes the next: `layerwise`.

Prefill does not touch a layer's KV again, so most of the transfer hides behind it (Patel et al. 2024, "Splitwise").
Before:

    %kv, %first = llm.prefill ...
    %moved = comm.kv_transfer @answer_kv_transfer %kv call "answer" {function = ...}

and after it:

    %moved = comm.kv_transfer @answer_kv_transfer %kv call "answer" {layerwise, function = ...}

The bytes stay the same. `costmodel.overlap` has what remains of the time; placement takes an upper bound of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, UnitAttr
from xdsl.passes import ModulePass

from ir.dialects.comm import KvTransferOp
from ir.dialects.llm import PrefillOp


@dataclass(frozen=True)
class OverlapTransferPass(ModulePass):
    """Makes every transfer `layerwise` that reads a KV straight from its prefill; another KV is there at once."""

    name = "overlap-transfer"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for transfer in op.walk():
            if isinstance(transfer, KvTransferOp) and isinstance(transfer.kv.owner, PrefillOp):
                transfer.layerwise = UnitAttr()
