"""Work of a text generator's phases, from its shape and token counts.

Every formula counts what the mathematics needs, not what an engine wastes; efficiencies belong to `roofline`. Sources
of the formulas: Kaplan et al. 2020 (2 FLOPs a weight and token), Pope et al. 2022 (weights and KV read once a decode
step), the FlashAttention papers (attention matrices never leave the chip), Gu and Dao 2023 (Mamba's state).
"""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.errors import CostError
from costmodel.models import Model
from costmodel.precision import bytes_per_value
from costmodel.step import context_sum, reach_sum, touched_share
from costmodel.work import Work

ACTIVATION_BYTES = 2.0
"""Activations and all-reduced partial sums are in 16 bits whatever the weights' precision."""

SYNCS_PER_LAYER = 2
"""Tensor parallelism sums partial results after attention and after the FFN of each layer (Megatron-LM, 2019)."""

SCAN_FLOPS = 5
"""Per element of the Mamba state and token: decay, outer product with add, contraction with add (Gu and Dao 2023)."""


@dataclass(frozen=True, slots=True)
class TokenDemand:
    """What one token, one context token and one sequence ask of a model; the units from which all work is summed.

    `flops` of a token's layers without the output head, `head_flops` of one output token. `pair_flops` for each token
    and context token in full attention while decoding, `prefill_pair_flops` in prefill, `window_pair_flops` in
    sliding layers. `kv_bytes` and `window_kv_bytes` per token, `state_bytes` per sequence. `weights` that every step
    reads, `expert_weights` all routed experts, of which a token uses `expert_share`. `sync_bytes` are those of one
    token over all layers.
    """

    flops: float
    head_flops: float
    pair_flops: float
    prefill_pair_flops: float
    window_pair_flops: float
    kv_bytes: float
    window_kv_bytes: float
    state_bytes: float
    activation_bytes: float
    weights: float
    expert_weights: float
    expert_share: float
    sync_count: float
    sync_bytes: float


def token_demand(model: Model, kv_precision: str = "fp16") -> TokenDemand:
    """The per-token units of a text generator. Raises CostError for a model that is none.

    Attention: 4 x heads x head size FLOPs for a pair and layer (scores and weighted sum, 2 each); MLA decodes in the
    compressed space, so there its head size is the latent width. MoE: a token multiplies the experts it is routed to.
    """
    if not model.layers or not model.d_model or not model.heads:
        raise CostError(f"model {model.id!r} ({model.modality}) has no token-wise shape; it is no text generator")
    if model.sliding_layers and model.mamba_layers:
        raise CostError(f"model {model.id!r} mixes sliding and Mamba layers; their states cannot be told apart")
    kv_factor = bytes_per_value(kv_precision) / bytes_per_value("fp16")
    head_dim = model.head_dim or model.d_model // model.heads
    kv_bytes = model.kv_bytes_per_token_fp16 or 2 * 2 * model.layers * model.d_model
    full_layers = model.attention_layers or model.layers
    pair = 4.0 * model.heads * head_dim
    latent = kv_bytes / (2 * full_layers)
    head = float(model.vocab * model.d_model)
    expert = 3.0 * model.d_model * model.expert_ffn * (model.layers - model.dense_ffn_layers)
    scan = SCAN_FLOPS * model.mamba_layers * model.mamba_heads * model.mamba_head_dim * model.mamba_state_dim
    window = model.sliding_window_tokens
    ffn = model.ffn or model.experts_per_token * model.expert_ffn + model.shared_ffn
    return TokenDemand(
        flops=2 * (model.params_matmul - head) + scan,
        head_flops=2 * head,
        pair_flops=full_layers * (4.0 * model.heads * latent if model.is_latent_attention else pair),
        prefill_pair_flops=full_layers * pair,
        window_pair_flops=model.sliding_layers * pair,
        kv_bytes=kv_bytes * kv_factor,
        window_kv_bytes=model.state_bytes_fp16 / window * kv_factor if model.sliding_layers else 0.0,
        state_bytes=model.state_bytes_fp16 if model.mamba_layers else 0.0,
        activation_bytes=ACTIVATION_BYTES * model.layers * 4 * (model.d_model + ffn),
        weights=model.params_matmul - expert * model.experts_per_token,
        expert_weights=expert * model.experts,
        expert_share=model.experts_per_token / model.experts if model.experts else 0.0,
        sync_count=SYNCS_PER_LAYER * model.layers,
        sync_bytes=SYNCS_PER_LAYER * model.layers * model.d_model * ACTIVATION_BYTES,
    )


def weight_bytes(model: Model, precision: str) -> float:
    """Bytes of all weights, each stored in `precision`. Checkpoints that keep some layers wider are larger."""
    return model.params_total * bytes_per_value(precision)


def kv_bytes(model: Model, tokens: float, precision: str = "fp16") -> float:
    """Bytes of one sequence's KV cache and state after `tokens`: what prefill hands to decode.

    2 x attention layers x KV heads x head size a token (arXiv 2507.19635, section 5.2, in its general form); sliding
    layers keep their window, Mamba layers a state that does not grow.
    """
    _check(tokens=tokens)
    unit = token_demand(model, precision)
    return tokens * unit.kv_bytes + min(tokens, model.sliding_window_tokens) * unit.window_kv_bytes + unit.state_bytes


def memory_bytes(
    model: Model, batch: float, context_tokens: float, *, weight_precision: str, kv_precision: str = "fp16"
) -> float:
    """Bytes that weights and the KV of `batch` sequences take; activations are what the margin of `fits` is for."""
    return weight_bytes(model, weight_precision) + batch * kv_bytes(model, context_tokens, kv_precision)


def prefill_work(
    model: Model, tokens_in: float, *, batch: float = 1, weight_precision: str = "fp16", kv_precision: str = "fp16"
) -> Work:
    """Work of passing `batch` prompts of `tokens_in` through the model once, up to each one's first output token.

    Causal attention looks at n (n + 1) / 2 pairs; only the last token of each prompt meets the output head.
    """
    _check(tokens_in=tokens_in, batch=batch)
    unit = token_demand(model, kv_precision)
    full_pairs = tokens_in * (tokens_in + 1) / 2
    window_pairs = reach_sum(1, tokens_in, model.sliding_window_tokens)
    pair_flops = full_pairs * unit.prefill_pair_flops + window_pairs * unit.window_pair_flops
    window_tokens = min(tokens_in, model.sliding_window_tokens)
    return Work(
        flops=batch * (tokens_in * unit.flops + unit.head_flops + pair_flops),
        weight_bytes=weights_read(unit, tokens_in * batch) * bytes_per_value(weight_precision),
        kv_read_bytes=batch * (tokens_in * unit.kv_bytes + window_tokens * unit.window_kv_bytes + unit.state_bytes),
        kv_write_bytes=batch * (tokens_in * (unit.kv_bytes + unit.window_kv_bytes) + unit.state_bytes),
        activation_bytes=batch * tokens_in * unit.activation_bytes,
        steps=1,
        sync_count=unit.sync_count,
        sync_bytes=batch * tokens_in * unit.sync_bytes,
    )


def decode_step_work(
    model: Model, context_tokens: float, *, batch: float = 1, weight_precision: str = "fp16", kv_precision: str = "fp16"
) -> Work:
    """Work of one step in which `batch` sequences, each with `context_tokens` in its cache, gain one token."""
    return decode_work(
        model, context_tokens, 1, batch=batch, weight_precision=weight_precision, kv_precision=kv_precision
    )


def decode_work(
    model: Model,
    tokens_in: float,
    tokens_out: float,
    *,
    batch: float = 1,
    weight_precision: str = "fp16",
    kv_precision: str = "fp16",
) -> Work:
    """Work of `tokens_out` steps with contexts tokens_in, tokens_in + 1, ...: an arithmetic series, in closed form.

    Mean token counts may be fractional; a last part of a step asks for that part of its work.
    """
    _check(tokens_in=tokens_in, tokens_out=tokens_out, batch=batch)
    unit = token_demand(model, kv_precision)
    contexts = context_sum(tokens_in, tokens_out)
    reach = reach_sum(tokens_in, tokens_out, model.sliding_window_tokens)
    token_flops = unit.flops + unit.head_flops
    return Work(
        flops=batch * (tokens_out * token_flops + contexts * unit.pair_flops + reach * unit.window_pair_flops),
        weight_bytes=tokens_out * weights_read(unit, batch) * bytes_per_value(weight_precision),
        kv_read_bytes=batch * (contexts * unit.kv_bytes + reach * unit.window_kv_bytes + tokens_out * unit.state_bytes),
        kv_write_bytes=batch * tokens_out * (unit.kv_bytes + unit.window_kv_bytes + unit.state_bytes),
        activation_bytes=batch * tokens_out * unit.activation_bytes,
        steps=tokens_out,
        sync_count=tokens_out * unit.sync_count,
        sync_bytes=batch * tokens_out * unit.sync_bytes,
    )


def weights_read(unit: TokenDemand, tokens: float) -> float:
    """Weights that a step of `tokens` reads: the shared ones, and the experts that at least one token uses."""
    return unit.weights + unit.expert_weights * touched_share(unit.expert_share, tokens)


def _check(**amounts: float) -> None:
    for name, amount in amounts.items():
        if not 0 <= amount < float("inf"):
            raise CostError(f"{name} must be finite and at least 0, got {amount!r}")
