"""What the encoder and the decoder of a run ask for: their sum is that of `model.run`, and what moves comes on top."""

from __future__ import annotations

from costmodel.model_run import encoder_and_decoder
from costmodel.models import Model
from costmodel.work import Work
from ir.dialects.model import DecodeEncodedOp, EncodeOp

EncoderOp = EncodeOp | DecodeEncodedOp
"""Operations that this file has a rule for."""


def encoder_work(op: EncoderOp, model: Model) -> Work:
    """Work of one part on 16-bit weights. Raises `CostError` for a model without encoder and decoder."""
    encode, decode = encoder_and_decoder(model, op.audio_s.value.data)
    return encode.work if isinstance(op, EncodeOp) else sum((phase.work for phase in decode), Work())
