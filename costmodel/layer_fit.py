"""Reads measurements of single layers and of whole prefills, and fits the coefficients of `layer_time` to them.

The two public tables are those that the accuracy page judges `layer_time` by; their columns are documented with their
readers.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from costmodel.catalog import load_catalog
from costmodel.errors import ProfileError
from costmodel.hardware import Device
from costmodel.layer_time import (
    Array,
    LayerCoefficients,
    LayerShapes,
    PrefillCoefficients,
    Prefills,
    linear_layer_s,
    prefill_batch_s,
)
from costmodel.least_squares import minimise

DEVICES: Mapping[str, str] = {
    "a40": "a40",
    "a100": "a100_80_sxm",
    "h100": "h100_sxm",
    "a100_sxm": "a100_80_sxm",
    "h100_sxm": "h100_sxm",
    "l40s": "l40s",
    "A100": "a100_80_sxm",
    "MI210": "mi210",
    "a100-80gb": "a100_80_sxm",
    "h100-80gb": "h100_sxm",
}
"""The catalog's devices by the names in the public tables."""

LLAMA2_70B = {"layers": 80, "d_model": 8192, "query": 8192, "kv": 1024, "ffn": 28672, "matmul": 69e9}
"""The model of the prefill table; its shape is that of Llama 3.1 70B but for the vocabulary."""


@dataclass(frozen=True, slots=True)
class Layers:
    """[row] measured layers: shapes, seconds, and the device, model and degree they are of."""

    shapes: LayerShapes
    seconds: Array
    devices: tuple[str, ...]
    models: tuple[str, ...]
    tp: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MeasuredPrefills:
    """[row] measured prefills; `impossible` rows were faster than the datasheet's arithmetic and are left out."""

    prefills: Prefills
    seconds: Array
    devices: tuple[str, ...]
    tp: tuple[int, ...]
    configurations: tuple[str, ...]
    impossible: int


def read_layers(path: Path) -> Layers:
    """Layers without attention, 16 bits: hardware, model, tp, num_tokens, n_head, n_kv_head, n_embd,
    n_expanded_embd, use_gated_mlp, layer_linear_ms. Raises ProfileError."""
    rows = _rows(path, ("hardware", "model", "tp", "num_tokens", "n_head", "n_kv_head", "n_embd", "layer_linear_ms"))
    devices = [_device(row["hardware"]) for row in rows]
    tp, width, heads = _column(rows, "tp"), _column(rows, "n_embd"), _column(rows, "n_head")
    shapes = LayerShapes(
        tokens=_column(rows, "num_tokens"),
        d_model=width,
        query=width / tp,
        kv=np.maximum(1.0, _column(rows, "n_kv_head") / tp) * width / heads,
        ffn=_column(rows, "n_expanded_embd") / tp,
        gates=np.array([2.0 if row["use_gated_mlp"] == "True" else 1.0 for row in rows]),
        flops_per_s=np.array([each.flops_per_s["fp16"] for each in devices]),
        mem_bytes_per_s=np.array([each.mem_bytes_per_s for each in devices]),
    )
    return Layers(
        shapes,
        _column(rows, "layer_linear_ms") / 1000,
        tuple(each.id for each in devices),
        tuple(row["model"].split("/")[-1] for row in rows),
        tuple(int(each) for each in tp),
    )


def read_prefills(path: Path) -> MeasuredPrefills:
    """Prefills of Llama 2 70B in 16 bits: hardware, tensor_parallel, prompt_size, batch_size, prompt_time (ms).

    Raises ProfileError.
    """
    rows = _rows(path, ("hardware", "tensor_parallel", "prompt_size", "batch_size", "prompt_time"))
    devices = [_device(row["hardware"]) for row in rows]
    tp, tokens = _column(rows, "tensor_parallel"), _column(rows, "prompt_size") * _column(rows, "batch_size")
    seconds = _column(rows, "prompt_time") / 1000
    rate = np.array([each.flops_per_s["fp16"] for each in devices])
    possible = seconds > 2 * LLAMA2_70B["matmul"] * tokens / (tp * rate)
    ones = np.ones_like(tp)
    layer = LayerShapes(
        tokens=tokens,
        d_model=LLAMA2_70B["d_model"] * ones,
        query=LLAMA2_70B["query"] / tp,
        kv=LLAMA2_70B["kv"] / tp,
        ffn=LLAMA2_70B["ffn"] / tp,
        gates=2 * ones,
        flops_per_s=rate,
        mem_bytes_per_s=np.array([each.mem_bytes_per_s for each in devices]),
    )
    link = np.array([each.scaleup_bytes_per_s for each in devices])
    prefills = Prefills(layer, LLAMA2_70B["layers"] * ones, _column(rows, "prompt_size"), tp, link)
    kept = [index for index, each in enumerate(possible) if each]
    names = [f"{row['hardware']} {row['tensor_parallel']} {row['prompt_size']} {row['batch_size']}" for row in rows]
    return MeasuredPrefills(
        select(prefills, possible),
        seconds[possible],
        tuple(devices[index].id for index in kept),
        tuple(int(tp[index]) for index in kept),
        tuple(names[index] for index in kept),
        int((~possible).sum()),
    )


@dataclass(frozen=True, slots=True)
class Products:
    """[row] measured matrix products of `rows` x `inputs` and `inputs` x `outputs`, 16 bits."""

    shapes: LayerShapes
    rows: Array
    outputs: Array
    inputs: Array
    seconds: Array
    devices: tuple[str, ...]


def read_products(path: Path) -> Products:
    """Products in 16 bits: the first column a device, m, n, k, latency_ms; rows of another gemm_dtype are passed over.

    Raises ProfileError.
    """
    rows = [
        row for row in _rows(path, ("m", "n", "k", "latency_ms")) if row.get("gemm_dtype", "bfloat16") == "bfloat16"
    ]
    devices = [_device(next(iter(row.values()))) for row in rows]
    none = np.zeros(len(rows))
    rate = np.array([each.flops_per_s["fp16"] for each in devices])
    bandwidth = np.array([each.mem_bytes_per_s for each in devices])
    return Products(
        LayerShapes(none, none, none, none, none, none, rate, bandwidth),
        _column(rows, "m"),
        _column(rows, "n"),
        _column(rows, "k"),
        _column(rows, "latency_ms") / 1000,
        tuple(each.id for each in devices),
    )


def fit_layers(shapes: LayerShapes, seconds: Array) -> LayerCoefficients:
    """The coefficients nearest to measured layers; shares stay at or below 1."""
    start = LayerCoefficients()
    names = [each.name for each in fields(LayerCoefficients)]
    origin = np.log([getattr(start, name) for name in names])

    def unpack(at: Array) -> LayerCoefficients:
        values = {name: float(np.exp(min(value, 20.0))) for name, value in zip(names, at, strict=True)}
        return replace(start, **{name: min(v, 1.0) if name.endswith("_share") else v for name, v in values.items()})

    def off(at: Array) -> Array:
        return np.concatenate([np.log(linear_layer_s(shapes, unpack(at)) / seconds), 0.1 * (at - origin)])

    return unpack(minimise(off, origin))


def fit_prefills(of: Prefills, seconds: Array, layer: LayerCoefficients) -> PrefillCoefficients:
    """Host time, attention's and the link's share nearest to measured prefills; `layer` stays as it is."""
    start = PrefillCoefficients()
    origin = np.log([start.host_s, start.attention_share, start.link_share])

    def unpack(at: Array) -> PrefillCoefficients:
        host_s, attention, link = (float(each) for each in np.exp(np.minimum(at, 20.0)))
        return replace(start, host_s=host_s, attention_share=min(attention, 1.0), link_share=min(link, 1.0))

    def off(at: Array) -> Array:
        return np.concatenate([np.log(prefill_batch_s(of, layer, unpack(at)) / seconds), 0.1 * (at - origin)])

    return unpack(minimise(off, origin))


def select(of: Prefills, chosen: NDArray[np.bool_]) -> Prefills:
    """The prefills for which `chosen` holds."""
    return Prefills(
        select_shapes(of.layer, chosen),
        of.layers[chosen],
        of.prompt_tokens[chosen],
        of.tp[chosen],
        of.link_bytes_per_s[chosen],
    )


def select_shapes(of: LayerShapes, chosen: NDArray[np.bool_]) -> LayerShapes:
    """The layers for which `chosen` holds."""
    return LayerShapes(**{each.name: getattr(of, each.name)[chosen] for each in fields(LayerShapes)})


def left_out_errors(
    groups: Sequence[str], error: Callable[[NDArray[np.bool_], NDArray[np.bool_]], Array]
) -> dict[str, Array]:
    """Errors of each group's rows under a fit to all others: `error` takes masks of the rows to fit and to judge."""
    names = np.array(groups)
    return {name: error(names != name, names == name) for name in sorted(set(groups))}


def _rows(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: the measurements cannot be read ({error}); give a CSV file in UTF-8") from error
    missing = [name for name in needed if not rows or name not in rows[0]]
    if missing:
        raise ProfileError(f"{path}: missing column {', '.join(missing)}, or no row")
    return rows


def _column(rows: Sequence[Mapping[str, str]], name: str) -> Array:
    return np.array([float(row[name]) for row in rows])


def _device(name: str) -> Device:
    if name not in DEVICES:
        raise ProfileError(f"no device of the catalog is known by {name!r}; known: {', '.join(DEVICES)}")
    return load_catalog("default").device(DEVICES[name])
