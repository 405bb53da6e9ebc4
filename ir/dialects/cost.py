"""The `cost` dialect: what passes write on an operation about its demand, as attributes.

    {cost.visits = 0.7 : f64, cost.tokens_in = 900.0 : f64, cost.flops = array<f64: 1.4e13, 1.3e14>}

| attribute | type | meaning |
|---|---|---|
| `cost.visits` | f64 | mean executions per run: branch probability x loop count x width |
| `cost.tokens_in`, `cost.tokens_out` | f64 | mean tokens of one call |
| `cost.flops` | array of f64 | floating-point operations of one call, one for each of the op's models |
| `cost.weight_bytes` | array of f64 | bytes of 16-bit weights read by a call alone in its batch, one for each model |
| `cost.kv_bytes` | array of f64 | bytes of 16-bit KV written (prefill), read (decode) or moved, one for each model |
| `cost.cpu_s` | f64 | busy CPU seconds of one call |
| `cost.wait_s` | f64 | seconds of one call in which nothing here is busy |
| `cost.bytes_out` | f64 | bytes of the result of one call |

An attribute that is absent is unknown, never zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, cast

from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, Float64Type, FloatAttr, StringAttr, f64
from xdsl.ir import Attribute, Dialect, Operation
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from ir.dialects.assembly import names_of
from ir.dialects.llm import KvType

Amount = Literal["visits", "tokens_in", "tokens_out", "cpu_s", "wait_s", "bytes_out"]
PerModel = Literal["flops", "weight_bytes", "kv_bytes"]

_AMOUNTS = frozenset(f"cost.{name}" for name in ("visits", "tokens_in", "tokens_out", "cpu_s", "wait_s", "bytes_out"))
_PER_MODEL = frozenset(f"cost.{name}" for name in ("flops", "weight_bytes", "kv_bytes"))


def set_amount(op: Operation, name: Amount, value: float) -> None:
    """Write one number, SI units."""
    op.attributes[f"cost.{name}"] = FloatAttr(value, f64)


def amount(op: Operation, name: Amount) -> float | None:
    """Read one number; None when it is unknown."""
    attribute = op.attributes.get(f"cost.{name}")
    return attribute.value.data if isinstance(attribute, FloatAttr) else None


def set_per_model(op: Operation, name: PerModel, values: Sequence[float]) -> None:
    """Write one number for each model of the operation, in their order."""
    op.attributes[f"cost.{name}"] = DenseArrayBase.from_list(f64, values)


def per_model(op: Operation, name: PerModel) -> tuple[float, ...] | None:
    """Read one number for each model of the operation; None when they are unknown."""
    attribute = op.attributes.get(f"cost.{name}")
    return _floats(attribute)


def verify_cost(op: Operation) -> None:
    """Known `cost.*` attributes of the right type, finite, not negative, one entry for each model."""
    for key, attribute in op.attributes.items():
        if not key.startswith("cost."):
            continue
        if key in _AMOUNTS:
            values = (attribute.value.data,) if isinstance(attribute, FloatAttr) else None
        elif key in _PER_MODEL:
            values = _floats(attribute)
        else:
            raise VerifyException(
                f"{op.name} has the unknown attribute {key}; known: {', '.join(sorted(_AMOUNTS | _PER_MODEL))}"
            )
        if values is None:
            raise VerifyException(f"{key} of {op.name} has the wrong type: {attribute}")
        if not all(math.isfinite(value) and value >= 0 for value in values):
            raise VerifyException(f"{key} of {op.name} must be finite and not negative, got {list(values)}")
        if key in _PER_MODEL and len(values) != len(models_of(op)):
            raise VerifyException(f"{key} of {op.name} has {len(values)} entries for {len(models_of(op))} models")


def models_of(op: Operation) -> tuple[str, ...]:
    """The models that an operation may run, or whose KV it moves; empty for other operations."""
    models = op.properties.get("models")
    if isinstance(models, ArrayAttr):
        return names_of(cast("ArrayAttr[StringAttr]", models))
    kv = next((operand.type for operand in op.operands if isinstance(operand.type, KvType)), None)
    return names_of(kv.models) if kv is not None else ()


def _floats(attribute: Attribute | None) -> tuple[float, ...] | None:
    if isa(attribute, DenseArrayBase[Float64Type]):
        return attribute.get_values()
    return None


Cost = Dialect("cost", [], [])
