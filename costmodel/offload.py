"""Decode with its attention on other devices than its weights: work of each half, and what goes between them.

Attention reads each sequence's own KV, which no batch amortises, so that it pays off on cheap memory; the linear layers
read weights that a batch shares (Chen et al. 2024, "Lamina: model-attention disaggregation"). The halves take turns in
every layer of every step: queries, keys and values go out, attended values come back, so 2 transfers a layer.
"""

from __future__ import annotations

from dataclasses import replace

from costmodel.errors import CostError
from costmodel.fleet import Link
from costmodel.llm import ACTIVATION_BYTES, decode_work, token_demand
from costmodel.models import Model
from costmodel.step import context_sum, reach_sum
from costmodel.transfer import transfer_s
from costmodel.work import Work


def why_not_offloaded(model: Model) -> str | None:
    """The reason why the attention of a model cannot stand apart; None when it can."""
    if not model.is_text_generator:
        return f"{model.id} ({model.modality}) generates no text"
    if model.is_latent_attention or model.mamba_layers:
        what = "latent attention" if model.is_latent_attention else "Mamba layers"
        return f"what the {what} of {model.id} would send for a token is not in the catalog"
    if not model.heads or not model.kv_heads:
        return f"the heads of {model.id} are not in the catalog"
    return None


def attention_work(
    model: Model, tokens_in: float, tokens_out: float, *, batch: float = 1, kv_precision: str = "fp16"
) -> Work:
    """The half of `decode_work` that holds the KV: scores and weighted sums, KV read and written, no weights.

    It has no step of its own: the engine's step is that of the linear half. Raises `CostError`.
    """
    _check(model)
    whole = decode_work(model, tokens_in, tokens_out, batch=batch, kv_precision=kv_precision)
    unit = token_demand(model, kv_precision)
    contexts = context_sum(tokens_in, tokens_out)
    reach = reach_sum(tokens_in, tokens_out, model.sliding_window_tokens)
    return Work(
        flops=batch * (contexts * unit.pair_flops + reach * unit.window_pair_flops),
        kv_read_bytes=whole.kv_read_bytes,
        kv_write_bytes=whole.kv_write_bytes,
    )


def linear_work(
    model: Model, tokens_in: float, tokens_out: float, *, batch: float = 1, weight_precision: str = "fp16"
) -> Work:
    """The half of `decode_work` that holds the weights: matrix products, activations, steps and all-reduces, no KV."""
    _check(model)
    whole = decode_work(model, tokens_in, tokens_out, batch=batch, weight_precision=weight_precision)
    unit = token_demand(model)
    flops = batch * tokens_out * (unit.flops + unit.head_flops)
    return replace(whole, flops=flops, kv_read_bytes=0.0, kv_write_bytes=0.0)


def step_out_bytes(model: Model, batch: float = 1) -> float:
    """Bytes of queries, keys and values that a step sends to the attention half: (heads + 2 KV heads) x head size."""
    _check(model)
    return batch * _layers(model) * (model.heads + 2 * model.kv_heads) * _head_dim(model) * ACTIVATION_BYTES


def step_back_bytes(model: Model, batch: float = 1) -> float:
    """Bytes of attended values that a step sends back: heads x head size in each layer, d_model in most models."""
    _check(model)
    return batch * _layers(model) * model.heads * _head_dim(model) * ACTIVATION_BYTES


def activation_bytes(model: Model, tokens_out: float, batch: float = 1) -> float:
    """Bytes that go between the halves in `tokens_out` steps, both ways."""
    return tokens_out * (step_out_bytes(model, batch) + step_back_bytes(model, batch))


def exchange_s(model: Model, tokens_out: float, out: Link, back: Link, batch: float = 1) -> float:
    """Seconds that the transfers between the halves take: each way once for each layer and step, one after another.

    An upper bound: with several batches in turn (Lamina's rotation) one computes while another's values travel.
    """
    layers = _layers(model)
    layer_s = transfer_s(out, step_out_bytes(model, batch) / layers)
    return tokens_out * layers * (layer_s + transfer_s(back, step_back_bytes(model, batch) / layers))


def _layers(model: Model) -> int:
    """Layers with attention."""
    return (model.attention_layers or model.layers) + model.sliding_layers


def _head_dim(model: Model) -> int:
    return model.head_dim or model.d_model // model.heads


def _check(model: Model) -> None:
    reason = why_not_offloaded(model)
    if reason is not None:
        raise CostError(reason)
