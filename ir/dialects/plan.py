"""The `plan` dialect: structural alternatives, of which placement takes one.

    %text = plan.choose @answer_choice %prompt alternative "colocated" {
    ^bb0(%p : !llm.tokens<900>):
      %kv, %first = llm.prefill @answer_prefill %p ... {plan.group = "answer"}
      %t = llm.decode @answer_decode %kv, %first ... {plan.group = "answer"}
      plan.yield %t : !llm.tokens<200>
    } alternative "disaggregated" {
    ^bb0(%p : !llm.tokens<900>):
      ...
      plan.yield %t : !llm.tokens<200>
    } : (!llm.tokens<900>) -> !llm.tokens<200>

Every alternative computes the same value. Device, tensor parallelism, precision, batch and model are rows of the
options table, never alternatives. Alternatives may define the same ids: they are ways to do the same tasks.

Attributes that passes and placement write; an attribute that is absent is undecided, or does not apply.

| attribute | on | meaning |
|---|---|---|
| `plan.group = "answer"` | operations | they share one pool |
| `plan.chosen = "colocated"` | a choice | the alternative that placement takes |
| `plan.pool = "p0"` | operators | the pool that runs them |
| `plan.device`, `plan.tp`, `plan.precision`, `plan.model` | operators | the pool's device class and what it serves |
| `plan.batch` | operators | requests assumed to share a replica |
| `plan.latency_s`, `plan.cost_usd = #cost.amount<0.08>` | operators | what one visit takes |
| `plan.streams = {text = 4.0 : f64}` | operators | inputs that they begin with at the first of so many items |
| `plan.operator = "answer.prefill"` | operators | their id in the plan document |
| `plan.inputs = #plan.inputs<"prompt" = "answer_render">` | operators, control, ends | what they read, over names |
| `plan.forwards` | others | they only forward values and are nothing in the plan document |
| `plan.last_form` | a graph | `ir/dialects/last_form.py` holds: the plan document is built from attributes alone |
"""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Dialect, Region
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    lazy_traits_def,
    prop_def,
    traits_def,
    var_operand_def,
    var_region_def,
    var_result_def,
)
from xdsl.traits import HasParent, IsolatedFromAbove, IsTerminator
from xdsl.utils.exceptions import VerifyException

from ir.dialects.assembly import names_of
from ir.dialects.decision import CHOSEN, GROUP, InputsAttr, text
from ir.dialects.task import TaskOp, distinct

__all__ = ["GROUP", "ChooseOp", "Plan", "YieldOp"]


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends an alternative with its values: `plan.yield %t : !llm.tokens<200>`."""

    name = "plan.yield"

    values = var_operand_def()

    assembly_format = "$values attr-dict `:` type($values)"
    traits = lazy_traits_def(lambda: (IsTerminator(), HasParent(ChooseOp)))


@irdl_op_definition
class ChooseOp(TaskOp):
    """Alternatives that take the same operands and compute the same values.

    %t = plan.choose @answer_choice %p alternative "colocated" { ... } alternative "disaggregated" { ... }
      : (!llm.tokens<900>) -> !llm.tokens<200>
    """

    name = "plan.choose"

    arguments = var_operand_def()
    names = prop_def(ArrayAttr[StringAttr])
    alternatives = var_region_def("single_block")
    results_ = var_result_def()

    assembly_format = (
        "$id $arguments custom<Alternatives>($names, $alternatives) attr-dict `:` functional-type(operands, results)"
    )
    traits = traits_def(IsolatedFromAbove())

    def verify_(self) -> None:
        super().verify_()
        names = names_of(self.names)
        distinct(f"@{self.id.data}", "alternative", names)
        if not names or len(names) != len(self.alternatives):
            raise VerifyException(
                f"@{self.id.data} has {len(self.alternatives)} alternatives and {len(names)} names; "
                "it needs at least one, each with a name"
            )
        for name, region in zip(names, self.alternatives, strict=True):
            self.check_alternative(name, region)
        chosen = text(self, CHOSEN)
        if chosen is not None and chosen not in names:
            raise VerifyException(f"{CHOSEN} of @{self.id.data} is {chosen!r}; its alternatives: {', '.join(names)}")

    def check_alternative(self, name: str, region: Region) -> None:
        """An alternative takes the operands' types and yields the results' types."""
        block = region.block
        for what, got, expected in (
            ("takes", [argument.type for argument in block.args], [operand.type for operand in self.operands]),
            (
                "yields",
                [value.type for value in cast(YieldOp, block.last_op).values],
                [result.type for result in self.results],
            ),
        ):
            if got != expected:
                raise VerifyException(
                    f"alternative {name!r} of @{self.id.data} {what} ({', '.join(map(str, got))}), "
                    f"but the choice {what} ({', '.join(map(str, expected))})"
                )


Plan = Dialect("plan", [ChooseOp, YieldOp], [InputsAttr])
