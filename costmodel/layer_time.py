"""Time of one layer's linear operators as a function of their shape, and of a whole prefill that is made of them.

Where `served_step` sums a model's products, this looks at each: small ones pay their launch, thin ones the weights'
traffic, and only large ones reach the arithmetic rate. Arrays broadcast; nothing here is about engines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BYTES = 2.0
"""16-bit weights and activations: what the measurements of single layers are of."""


@dataclass(frozen=True, slots=True)
class LayerCoefficients:
    """Shares of datasheet rates, and seconds, of single kernels in 16 bits.

    `compute_share` of the arithmetic rate, `memory_share` of bandwidth, joined as (compute^q + memory^q)^(1/q) with q =
    `sharpness`; `tile_rows` are computed beyond those asked for; `launch_s` is paid by each product and
    `small_launch_s` by each of the four passes between them, of whose traffic `uncached_share` reaches memory. The
    defaults are a fit to 1,420 layers of 2.7B to 72B models on A40, A100 and H100 (Agrawal et al. 2024, "Vidur", MIT).
    """

    compute_share: float = 0.775
    memory_share: float = 0.832
    sharpness: float = 2.65
    tile_rows: float = 46.0
    launch_s: float = 2.9e-6
    small_launch_s: float = 1.9e-6
    uncached_share: float = 0.25


@dataclass(frozen=True, slots=True)
class LayerShapes:
    """[row] one device's layer: `tokens` in the batch, widths of the model and of this device's part of it."""

    tokens: Array
    d_model: Array
    query: Array
    kv: Array
    ffn: Array
    gates: Array
    flops_per_s: Array
    mem_bytes_per_s: Array


def product_s(rows: Array, shape: LayerShapes, outputs: Array, inputs: Array, c: LayerCoefficients) -> Array:
    """[row] seconds of a product of `rows` x `inputs` and `inputs` x `outputs`; never below the roofline."""
    compute_s = 2 * (rows + c.tile_rows) * outputs * inputs / (shape.flops_per_s * c.compute_share)
    moved = BYTES * (outputs * inputs + rows * inputs + rows * outputs)
    memory_s = moved / (shape.mem_bytes_per_s * c.memory_share)
    longer, shorter = np.maximum(compute_s, memory_s), np.minimum(compute_s, memory_s)
    return c.launch_s + longer * (1.0 + (shorter / longer) ** c.sharpness) ** (1.0 / c.sharpness)


def linear_layer_s(shape: LayerShapes, c: LayerCoefficients) -> Array:
    """[row] seconds of a layer's operators without attention: four products, norms, rotation, activation, additions.

    Norms and additions are of the whole residual stream on each device, what lies between is split.
    """
    tokens, width = shape.tokens, shape.d_model
    products = (
        (shape.query + 2 * shape.kv, width),
        (width, shape.query),
        (shape.gates * shape.ffn, width),
        (width, shape.ffn),
    )
    passes = 7 * width + 2 * (shape.query + shape.kv) + (shape.gates + 1) * shape.ffn
    between_s = 4 * c.small_launch_s + BYTES * tokens * passes * c.uncached_share / shape.mem_bytes_per_s
    total = between_s
    for outputs, inputs in products:
        total = total + product_s(tokens, shape, outputs, inputs, c)
    return total


@dataclass(frozen=True, slots=True)
class PrefillCoefficients:
    """What a whole prefill adds to its layers: `host_s` of a program that launches kernels while the device works, the
    share of the 16-bit rate in attention, and of both directions of the link in all-reduces."""

    host_s: float = 0.05
    attention_share: float = 0.3
    link_share: float = 0.3
    sharpness: float = 4.0


@dataclass(frozen=True, slots=True)
class Prefills:
    """[row] batches of prompts of one length on `tp` devices; `layer` is the shape of all their tokens together."""

    layer: LayerShapes
    layers: Array
    prompt_tokens: Array
    tp: Array
    link_bytes_per_s: Array


def prefill_batch_s(of: Prefills, layer: LayerCoefficients, c: PrefillCoefficients) -> Array:
    """[row] seconds until all prompts of a batch have been read, on an engine that reads them in one pass.

    layers x (linear + attention + all-reduces), or the host's time if that is longer: (device^q + host^q)^(1/q).
    """
    tokens = of.layer.tokens
    pairs = tokens * (of.prompt_tokens + 1) / 2
    attention_s = 4 * pairs * of.layer.query / (of.layer.flops_per_s * c.attention_share)
    summed = 2 * tokens * of.layer.d_model * BYTES * 2 * (of.tp - 1) / of.tp
    reduce_s = summed / (2 * of.link_bytes_per_s * c.link_share)
    device_s = of.layers * (linear_layer_s(of.layer, layer) + attention_s + reduce_s)
    return (device_s**c.sharpness + c.host_s**c.sharpness) ** (1 / c.sharpness)
