"""What operations that stand for tasks have in common: an id, a name, a place in the source, how a call runs.

The parts are mixed into the operations of the dialects, so that a property has one name, one type and one rule
everywhere. Properties that a format does not spell out print in the attribute dictionary: `{timeout_s = 2.0 : f64}`.
"""

from __future__ import annotations

import math
from abc import ABC

from xdsl.dialects.builtin import (
    ArrayAttr,
    FloatAttr,
    IntegerAttr,
    StringAttr,
    SymbolNameConstraint,
    UnitAttr,
    f64,
    i64,
)
from xdsl.ir import Attribute, Region
from xdsl.irdl import (
    EqAttrConstraint,
    IRDLOperation,
    ParsePropInAttrDict,
    opt_prop_def,
    prop_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException

from ir.dialects.assembly import Alternatives, Amount, NamedOperand, NamedOperands, Parameters, Tools, names_of
from ir.dialects.values import VALUE, FunctionAttr, check_amount

NUMBER = FloatAttr.constr(EqAttrConstraint(f64))
"""An f64; a format writes it by the directive `Amount`."""

INTEGER = IntegerAttr.constr(EqAttrConstraint(i64))
"""An i64; a format prints it without its type."""

CALL_FORMAT = "$id custom<NamedOperands>($arg_names, $arguments) attr-dict `:` functional-type(operands, results)"
"""The format of a call that has nothing to spell out."""

STREAMS = "agent.streams"
"""Attribute of an operation: by the name of an input that arrives item by item, the number of its items."""

PART_CALL_FORMAT = (
    "$id custom<NamedOperands>($arg_names, $arguments) `call` $call attr-dict `:` functional-type(operands, results)"
)
"""The format of the part of a call that takes its arguments."""


AMOUNTS = (
    "timeout_s",
    "latency_s",
    "latency_sd_s",
    "cpu_s",
    "wait_s",
    "cost_usd",
    "tokens_in",
    "tokens_out",
    "audio_s",
    "tokens",
    "images",
)
"""Properties that are finite and not negative wherever they appear."""


class TaskOp(IRDLOperation, ABC):
    """A task: `@id` names its value in expressions and is unique in its graph."""

    id = prop_def(SymbolNameConstraint())
    task_name = opt_prop_def(StringAttr, prop_name="name")
    where = opt_prop_def(StringAttr)

    irdl_options = (ParsePropInAttrDict(),)
    custom_directives = (Amount, Alternatives, NamedOperand, NamedOperands, Parameters, Tools)

    def verify_(self) -> None:
        if not self.id.data.isidentifier():
            raise VerifyException(f"the id of a task must be an identifier, got {self.id.data!r}")
        for name in AMOUNTS:
            amount = self.properties.get(name)
            if amount is not None:
                check_amount(f"{name} of @{self.id.data}", amount)


class FunctionOp(TaskOp, ABC):
    """Work of a user's function, and how a call of it runs.

    `pure`: it changes nothing, and within a run the same arguments give the same value until a memory is written.
    With `stream` its value comes in `items` items, evenly over its time; an unknown number means as a whole.
    """

    function = prop_def(FunctionAttr)
    timeout_s = opt_prop_def(NUMBER)
    retries = opt_prop_def(INTEGER)
    idempotent = opt_prop_def(UnitAttr)
    stream = opt_prop_def(UnitAttr)
    items = opt_prop_def(NUMBER)
    pure = opt_prop_def(UnitAttr)

    def verify_(self) -> None:
        super().verify_()
        if self.retries is not None and self.retries.value.data < 0:
            raise VerifyException(f"retries of @{self.id.data} must not be negative, got {self.retries.value.data}")
        if self.items is not None and (self.stream is None or not 1 < self.items.value.data < math.inf):
            raise VerifyException(
                f"items of @{self.id.data} must be more than 1 and go with stream, got {self.items.value.data}"
            )


class CallOp(FunctionOp, ABC):
    """Takes the arguments of a user's function: operands with the names of its parameters."""

    arguments = var_operand_def(VALUE)
    arg_names = prop_def(ArrayAttr[StringAttr])

    def verify_(self) -> None:
        super().verify_()
        check_names(self, names_of(self.arg_names), len(self.arguments))


class PartOp(FunctionOp, ABC):
    """A part of a call that was decomposed; `call` is the id that the call had, which its last part keeps."""

    call = prop_def(StringAttr)


class PriorOp(TaskOp, ABC):
    """What the author expects of a call on a CPU core or of an external service (absent: a profile must say)."""

    latency_s = opt_prop_def(NUMBER)
    latency_sd_s = opt_prop_def(NUMBER)
    cpu_s = opt_prop_def(NUMBER)
    cost_usd = opt_prop_def(NUMBER)
    tokens_out = opt_prop_def(NUMBER)

    def verify_(self) -> None:
        super().verify_()
        if self.cpu_s is None:
            return
        if self.latency_s is None:
            raise VerifyException(f"@{self.id.data} has cpu_s without latency_s; give the latency of the whole call")
        if self.cpu_s.value.data > self.latency_s.value.data:
            raise VerifyException(
                f"cpu_s of @{self.id.data} is {self.cpu_s.value.data}, more than its latency_s of "
                f"{self.latency_s.value.data}, of which it is a part"
            )


class CpuCallOp(CallOp, PriorOp, ABC):
    """A call that runs on a CPU core."""


PRIOR = ("latency_s", "latency_sd_s", "cpu_s", "cost_usd", "tokens_out")
"""Properties with what the author expects of a call."""

_INHERITED = ("where", "function", "timeout_s", "retries", "idempotent", "stream", "items", "pure")


def inherited(call: CallOp) -> dict[str, Attribute]:
    """What each part of a call takes over: its name, place, function and execution, and the call's id as `call`."""
    kept = {name: call.properties[name] for name in _INHERITED if name in call.properties}
    return {"name": call.task_name or call.id, "call": call.id} | kept


def check_names(op: TaskOp, names: tuple[str, ...], operands: int) -> None:
    """Operands have distinct names; one more operand may follow without a name."""
    if not len(names) <= operands <= len(names) + 1:
        raise VerifyException(
            f"@{op.id.data} has {operands} operands and {len(names)} names; "
            "only the last operand may stand without a name"
        )
    distinct(f"@{op.id.data}", "operand", names)


def distinct(where: str, what: str, names: tuple[str, ...]) -> None:
    """Raise `VerifyException` when a name is not an identifier or appears twice."""
    for index, name in enumerate(names):
        if not name.isidentifier():
            raise VerifyException(f"{where}: the name of a {what} must be an identifier, got {name!r}")
        if name in names[:index]:
            raise VerifyException(f"{where} has two {what}s named {name!r}")


def check_expect(op: TaskOp, expect: FloatAttr, least: int, most: IntegerAttr, what: str) -> None:
    """An expected count lies between what must and what may happen."""
    value, limit = expect.value.data, most.value.data
    if limit < 1:
        raise VerifyException(f"{what} of @{op.id.data} must be at least 1, got {limit}")
    if not math.isfinite(value) or not least <= value <= limit:
        raise VerifyException(f"expect of @{op.id.data} must lie between {least} and {what}, {limit}; got {value}")


def check_region(op: TaskOp, what: str, region: Region, arguments: tuple[type[Attribute], ...]) -> None:
    """A region's block takes arguments of the given types."""
    got = region.block.args
    if len(got) != len(arguments):
        raise VerifyException(
            f"the {what} of @{op.id.data} takes {len(arguments)} argument(s), but its block has {len(got)}"
        )
    for argument, expected in zip(got, arguments, strict=True):
        if not isinstance(argument.type, expected):
            raise VerifyException(
                f"the {what} of @{op.id.data} takes !{expected.name}, but its block has {argument.type}"
            )
