"""Network rates that handing a KV cache from prefill to decode devices needs (arXiv 2507.19635, section 5.2).

The three equations as the paper gives them, so that its claim about 200 to 400 Gbps can be put to the test.
"""

from __future__ import annotations

from costmodel.errors import CostError
from costmodel.models import Model
from costmodel.precision import bytes_per_value


def egress_bytes_per_s(kv_bytes: float, ttft_s: float, prefill_devices: int) -> float:
    """Equation 1: bytes/s that each prefill device sends so that a batch's KV leaves within its time to first token."""
    return _rate(kv_bytes, ttft_s, prefill_devices)


def ingress_bytes_per_s(kv_bytes: float, tbt_s: float, decode_devices: int) -> float:
    """Equation 2: bytes/s that each decode device receives so that the KV arrives within one time between tokens."""
    return _rate(kv_bytes, tbt_s, decode_devices)


def kv_bytes(model: Model, tokens_in: int, batch: int, precision: str) -> float:
    """Equation 3: 2 x layers x d_model x (kv_heads / heads) x tokens x batch x bytes; holds for Llama.

    Raises CostError for a model whose KV is not that of every layer in full.
    """
    if not model.heads or not model.kv_heads or model.attention_layers != model.layers or model.is_latent_attention:
        raise CostError(
            f"equation 3 counts every layer's keys and values, which {model.id} ({model.arch}) does not keep; "
            "use costmodel.llm.kv_bytes"
        )
    per_token = 2 * model.layers * model.d_model * (model.kv_heads / model.heads)
    return per_token * tokens_in * batch * bytes_per_value(precision)


def _rate(size_bytes: float, seconds: float, devices: int) -> float:
    if seconds <= 0 or devices < 1:
        raise CostError(f"a transfer needs time above 0 and at least one device, got {seconds!r} s, {devices} devices")
    return size_bytes / (seconds * devices)
