"""Work of a phase of a call, kept: the parts of one call, in each of its alternatives, ask for the same phase.

`costmodel.llm` has the formulas; a model and token counts are all that they depend on.
"""

from __future__ import annotations

from functools import lru_cache

from costmodel import llm
from costmodel.models import Model
from costmodel.work import Work

_KEPT = 4096


@lru_cache(maxsize=_KEPT)
def prefill_work(model: Model, tokens_in: float) -> Work:
    """`costmodel.llm.prefill_work` of one call on 16-bit weights. Raises `CostError`."""
    return llm.prefill_work(model, tokens_in)


@lru_cache(maxsize=_KEPT)
def decode_work(model: Model, tokens_in: float, tokens_out: float) -> Work:
    """`costmodel.llm.decode_work` of one call on 16-bit weights. Raises `CostError`."""
    return llm.decode_work(model, tokens_in, tokens_out)


@lru_cache(maxsize=_KEPT)
def kv_bytes(model: Model, tokens: float) -> float:
    """`costmodel.llm.kv_bytes` in 16 bits. Raises `CostError`."""
    return llm.kv_bytes(model, tokens)
