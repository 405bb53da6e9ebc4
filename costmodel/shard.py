"""Work of the parts of a mixture-of-experts phase: the routers, one device's share of the rest, and the all-reduces.

A pass that takes a call apart must neither lose nor invent demand; what sharding replicates is stated here and nowhere
else. Sources: Shazeer et al. 2017 (a linear router for each layer), Shoeybi et al. 2019 (heads and FFN columns over
devices, two all-reduces a layer), Pope et al. 2022 (KV heads fewer than devices are copied).
"""

from __future__ import annotations

from dataclasses import replace

from costmodel.errors import CostError
from costmodel.models import Model
from costmodel.precision import bytes_per_value
from costmodel.work import Work


def router_weights(model: Model) -> float:
    """Weights of all routers: d_model x experts in each layer with experts. They are part of `params_matmul`."""
    return float(model.d_model * model.experts * (model.layers - model.dense_ffn_layers))


def kv_projection_weights(model: Model) -> float:
    """Weights that make keys and values: 2 x d_model x KV heads x head size in each attention layer."""
    head_dim = model.head_dim or model.d_model // model.heads
    layers = (model.attention_layers or model.layers) + model.sliding_layers
    return 2.0 * layers * model.d_model * model.kv_heads * head_dim


def kv_copies(model: Model, shards: int) -> float:
    """How often each KV head is held altogether: once, unless there are fewer heads than shards."""
    return 1.0 if shards == 1 else max(1.0, shards / model.kv_heads)


def why_not_sharded(model: Model, shards: int) -> str | None:
    """The reason why `shards` devices cannot share the experts of a model; None when they can.

    Latent attention and Mamba layers replicate projections whose widths the catalog does not have.
    """
    if not model.experts:
        return f"{model.id} has no experts"
    if shards == 1:
        return None
    if model.is_latent_attention or model.mamba_layers:
        what = "latent attention" if model.is_latent_attention else "Mamba layers"
        return f"what a shard of the {what} of {model.id} replicates is not in the catalog"
    if model.heads % shards:
        return f"{shards} shards do not divide the {model.heads} attention heads of {model.id}"
    if not model.kv_heads:
        return f"the KV heads of {model.id} are not in the catalog"
    if model.kv_heads % shards and shards % model.kv_heads:
        return f"{shards} shards neither divide nor are a multiple of the {model.kv_heads} KV heads of {model.id}"
    if model.expert_ffn % shards:
        return f"{shards} shards do not divide the {model.expert_ffn} columns of an expert of {model.id}"
    return None


def gate_work(model: Model, tokens: float, steps: float) -> Work:
    """Work of the routers for `tokens` in `steps` passes, 16-bit weights; every shard does all of it."""
    return _matmul(router_weights(model), tokens, steps)


def expert_shard_work(model: Model, phase: Work, tokens: float, shards: int) -> Work:
    """Work of one of `shards` devices for a phase of `tokens`, without routers and all-reduces; 16-bit weights.

    Everything is divided but keys and values where KV heads are fewer than shards: their projections and their cache
    count `kv_copies` times over all shards. Norms are replicated too; as the lookup of embeddings, the model of work
    counts nothing for them. Raises `CostError` where `why_not_sharded` has a reason.
    """
    reason = why_not_sharded(model, shards)
    if reason is not None:
        raise CostError(reason)
    gate = gate_work(model, tokens, phase.steps)
    copied = _matmul(kv_projection_weights(model), tokens, phase.steps).scaled(kv_copies(model, shards) - 1)
    kv_share = kv_copies(model, shards) / shards
    return replace(
        phase,
        flops=(phase.flops - gate.flops + copied.flops) / shards,
        weight_bytes=(phase.weight_bytes - gate.weight_bytes + copied.weight_bytes) / shards,
        kv_read_bytes=phase.kv_read_bytes * kv_share,
        kv_write_bytes=phase.kv_write_bytes * kv_share,
        activation_bytes=phase.activation_bytes / shards,
        sync_count=0.0,
        sync_bytes=0.0,
    )


def all_reduced_bytes(phase: Work, shards: int) -> float:
    """Bytes that all shards together send in a phase: each sends 2 (n - 1) / n of what is added up (ring)."""
    return 2.0 * (shards - 1) * phase.sync_bytes


def _matmul(weights: float, tokens: float, steps: float) -> Work:
    return Work(flops=2 * weights * tokens, weight_bytes=weights * bytes_per_value("fp16") * steps)
