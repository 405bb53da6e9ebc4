"""What the halves of a decode ask for: their sum is that of `llm.decode`, and the activations come on top.

| operation | demand |
|---|---|
| `llm.decode_attention` | attention's operations and the KV that is read |
| `llm.decode_linear` | matrix products and weights |
| `comm.activations` | none on a device, and the bytes that go both ways |
"""

from __future__ import annotations

from costmodel.models import Model
from costmodel.offload import attention_work, linear_work
from costmodel.work import Work
from ir.dialects.comm import ActivationsOp
from ir.dialects.llm import DecodeAttentionOp, DecodeLinearOp

OffloadOp = DecodeAttentionOp | DecodeLinearOp | ActivationsOp
"""Operations that this file has a rule for."""


def offload_work(op: OffloadOp, model: Model, tokens_in: float, tokens_out: float) -> Work:
    """Work of one operation on 16-bit weights. Raises `CostError` for a model whose attention cannot stand apart."""
    match op:
        case DecodeAttentionOp():
            return attention_work(model, tokens_in, tokens_out)
        case DecodeLinearOp():
            return linear_work(model, tokens_in, tokens_out)
        case ActivationsOp():
            return Work()
