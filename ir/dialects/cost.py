"""The `cost` dialect: what passes write on an operation about its demand, as attributes.

    {cost.visits = #cost.amount<0.7>, cost.flops = #cost.per_model<1.4e+13, 1.3e+14>}

| attribute | meaning |
|---|---|
| `cost.visits` | mean executions per run: branch probability x loop count x width |
| `cost.tokens_in`, `cost.tokens_out` | mean tokens of one call |
| `cost.flops` | floating-point operations of one call, one for each of the operation's models |
| `cost.weight_bytes` | bytes of 16-bit weights read by a call alone in its batch, one for each model |
| `cost.kv_bytes` | bytes of 16-bit KV written (prefill), read (decode) or moved by one call, one for each model |
| `cost.moved_bytes` | bytes that the devices of a group send each other in one call, one for each model |
| `cost.cpu_s` | busy CPU seconds of one call |
| `cost.wait_s` | seconds of one call in which nothing here is busy |
| `cost.bytes_out` | bytes of the result of one call |

`#cost.amount` is one number, `#cost.per_model` one for each model in their order; both are finite and not negative. An
attribute that is absent is unknown, never zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, cast, get_args

from xdsl.dialects.builtin import ArrayAttr, FloatAttr, StringAttr, f64
from xdsl.ir import Attribute, Dialect, Operation, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ir.dialects.assembly import names_of
from ir.dialects.llm import KvType
from ir.dialects.values import check_amount, print_amount

Amount = Literal["visits", "tokens_in", "tokens_out", "cpu_s", "wait_s", "bytes_out"]
PerModel = Literal["flops", "weight_bytes", "kv_bytes", "moved_bytes"]


@irdl_attr_definition
class AmountAttr(ParametrizedAttribute):
    """`#cost.amount<0.7>`: one number."""

    name = "cost.amount"

    value: FloatAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return [FloatAttr(float(parser.parse_number()), f64)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_amount(printer, self.value)

    def verify(self) -> None:
        check_amount("#cost.amount", self.value)


@irdl_attr_definition
class PerModelAttr(ParametrizedAttribute):
    """`#cost.per_model<1.4e+13, 1.3e+14>`: one number for each model of the operation, in their order."""

    name = "cost.per_model"

    values: ArrayAttr[FloatAttr]

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        values = parser.parse_comma_separated_list(parser.Delimiter.ANGLE, parser.parse_number)
        return [ArrayAttr([FloatAttr(float(value), f64) for value in values])]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_list(self.values, lambda value: print_amount(printer, value))

    def verify(self) -> None:
        for value in self.values:
            check_amount("#cost.per_model", value)


KNOWN: dict[str, type[AmountAttr | PerModelAttr]] = {
    **{f"cost.{name}": AmountAttr for name in get_args(Amount)},
    **{f"cost.{name}": PerModelAttr for name in get_args(PerModel)},
}
"""Every attribute of the dialect and its type."""


def set_amount(op: Operation, name: Amount, value: float) -> None:
    """Write one number, in SI units. Raises `VerifyException` for one that is negative or not finite."""
    op.attributes[f"cost.{name}"] = _amount(value)


def amount(op: Operation, name: Amount) -> float | None:
    """Read one number; None when it is unknown."""
    attribute = op.attributes.get(f"cost.{name}")
    return attribute.value.value.data if isinstance(attribute, AmountAttr) else None


def set_per_model(op: Operation, name: PerModel, values: Sequence[float]) -> None:
    """Write one number for each model of the operation, in their order."""
    op.attributes[f"cost.{name}"] = _per_model(tuple(values))


def per_model(op: Operation, name: PerModel) -> tuple[float, ...] | None:
    """Read one number for each model of the operation; None when they are unknown."""
    attribute = op.attributes.get(f"cost.{name}")
    return tuple(value.value.data for value in attribute.values) if isinstance(attribute, PerModelAttr) else None


@lru_cache(maxsize=4096)
def _amount(value: float) -> AmountAttr:
    """The attribute of a number; kept, because the parts of a call share their numbers and xDSL checks each anew."""
    return AmountAttr(FloatAttr(value, f64))


@lru_cache(maxsize=4096)
def _per_model(values: tuple[float, ...]) -> PerModelAttr:
    return PerModelAttr(ArrayAttr([FloatAttr(value, f64) for value in values]))


def verify_cost(op: Operation) -> None:
    """Known `cost.*` attributes of the right type, one entry for each model where that is asked."""
    for key, attribute in op.attributes.items():
        if not key.startswith("cost."):
            continue
        expected = KNOWN.get(key)
        if expected is None:
            raise VerifyException(f"{op.name} has the unknown attribute {key}; known: {', '.join(KNOWN)}")
        if not isinstance(attribute, expected):
            raise VerifyException(f"{key} of {op.name} must be #{expected.name}, got {attribute}")
        if isinstance(attribute, PerModelAttr) and len(attribute.values) != len(models_of(op)):
            raise VerifyException(
                f"{key} of {op.name} has {len(attribute.values)} entries for {len(models_of(op))} models"
            )


def models_of(op: Operation) -> tuple[str, ...]:
    """The models that an operation may run, or whose KV it moves; empty for other operations."""
    models = op.properties.get("models")
    if isinstance(models, ArrayAttr):
        return names_of(cast("ArrayAttr[StringAttr]", models))
    kv = next((operand.type for operand in op.operands if isinstance(operand.type, KvType)), None)
    return names_of(kv.models) if kv is not None else ()


Cost = Dialect("cost", [], [AmountAttr, PerModelAttr])
