"""Control operations of the `agent` dialect. They keep their regions: nothing is unrolled.

    %w = agent.when @plan_when %hard p 0.7 then {
      agent.yield %a : !agent.json
    } orelse {
      agent.yield %b : !agent.json
    } : (!agent.json) -> !agent.json

    %l = agent.loop @revise_loop(draft = %init) max_iters 3 expect 1.4 until {
    ^bb0(%draft : !agent.json):
      %done = agent.expr "draft.score > 0.9" (draft = %draft) : (!agent.json) -> !agent.json
      agent.yield %done : !agent.json
    } do {
    ^bb0(%draft : !agent.json):
      agent.yield %next : !agent.json
    } : (!agent.json) -> !agent.json

    %f = agent.fanout @search_fanout(query = %queries) max 8 expect 2.5 overflow "error" on_error "fail" do {
    ^bb0(%query : !agent.json):
      agent.yield %found : !agent.json
    } : (!agent.json) -> !agent.json

    %r = agent.react @assistant_react(messages, arguments) max_turns 6 expect 2.2 turn {
    ^bb0(%messages : !agent.json):
      %turn = llm.call @think(question = %question, %messages) ...
      agent.yield %turn : !agent.json
    } tool "search" {
    ^bb0(%arguments : !agent.json):
      %found = tool.invoke @search(%arguments) ...
      agent.yield %found : !agent.json
    } : !agent.json

A region's parameter has a name in expressions: it is written before the operand that feeds it; those of `agent.react`
are the parameter of the turn and that of a tool. Regions read values of the graph around them.
"""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Operation, Region
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    lazy_traits_def,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    var_region_def,
)
from xdsl.traits import HasParent, IsTerminator
from xdsl.utils.exceptions import VerifyException

from ir.dialects.assembly import names_of
from ir.dialects.task import INTEGER, NUMBER, TaskOp, check_expect, check_region, distinct
from ir.dialects.values import VALUE, JsonType, accepts


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends a region of a control operation with the region's value: `agent.yield %draft : !agent.json`."""

    name = "agent.yield"

    value = operand_def(VALUE)

    assembly_format = "$value attr-dict `:` type($value)"
    traits = lazy_traits_def(lambda: (IsTerminator(), HasParent(WhenOp, LoopOp, FanoutOp, ReactOp, FusedOp)))


@irdl_op_definition
class WhenOp(TaskOp):
    """The value of one of two regions, by the truth of a condition; `p` is the probability of `then`.

    %w = agent.when @plan_when %hard p 0.7 then { ... } orelse { ... } : (!agent.json) -> !agent.json
    """

    name = "agent.when"

    condition = operand_def(VALUE)
    p = opt_prop_def(NUMBER)
    then = region_def("single_block")
    orelse = region_def("single_block")
    result = result_def(VALUE)

    assembly_format = (
        "$id $condition (`p` custom<Amount>($p)^)? `then` $then `orelse` $orelse "
        "attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        if self.p is not None and not 0 <= self.p.value.data <= 1:
            raise VerifyException(f"p of @{self.id.data} must lie between 0 and 1, got {self.p.value.data}")
        for what, region in (("then region", self.then), ("orelse region", self.orelse)):
            check_region(self, what, region, ())
            check_yield(self, what, region)


@irdl_op_definition
class LoopOp(TaskOp):
    """While `until` is false and fewer than `max_iters` bodies have run, the body maps the value to the next.

        %l = agent.loop @revise_loop(draft = %init) max_iters 3 expect 1.4 until { ... } do { ... }
          : (!agent.json) -> !agent.json

    `until` is tested before each body. `expect` is the mean number of body runs.
    """

    name = "agent.loop"

    parameter = prop_def(StringAttr)
    init = operand_def(VALUE)
    max_iters = prop_def(INTEGER)
    expect = prop_def(NUMBER)
    until = region_def("single_block")
    body = region_def("single_block")
    result = result_def(JsonType)

    assembly_format = (
        "$id custom<NamedOperand>($parameter, $init) `max_iters` $max_iters `expect` custom<Amount>($expect) "
        "`until` $until `do` $body attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        distinct(f"@{self.id.data}", "parameter", (self.parameter.data,))
        check_expect(self, self.expect, 0, self.max_iters, "max_iters")
        for what, region in (("until region", self.until), ("body", self.body)):
            check_region(self, what, region, (JsonType,))
            check_yield(self, what, region)
        for inner in self.until.block.ops:
            if inner.name not in ("agent.expr", "agent.yield"):
                raise VerifyException(f"the until region of @{self.id.data} may hold only agent.expr, not {inner.name}")


@irdl_op_definition
class FanoutOp(TaskOp):
    """The body applied to each item in parallel; the value is the list of results in order. `expect` is the mean width.

    %f = agent.fanout @search_fanout(query = %queries) max 8 expect 2.5 overflow "error" on_error "fail" do { ... }
      : (!agent.json) -> !agent.json
    """

    name = "agent.fanout"

    parameter = prop_def(StringAttr)
    items = operand_def(VALUE)
    max = prop_def(INTEGER)
    expect = prop_def(NUMBER)
    overflow = prop_def(StringAttr)
    on_error = prop_def(StringAttr)
    body = region_def("single_block")
    result = result_def(JsonType)

    assembly_format = (
        "$id custom<NamedOperand>($parameter, $items) `max` $max `expect` custom<Amount>($expect) `overflow` $overflow "
        "`on_error` $on_error `do` $body attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        distinct(f"@{self.id.data}", "parameter", (self.parameter.data,))
        check_expect(self, self.expect, 0, self.max, "max")
        for name, value, legal in (
            ("overflow", self.overflow.data, ("error", "truncate")),
            ("on_error", self.on_error.data, ("fail", "collect")),
        ):
            if value not in legal:
                raise VerifyException(f"{name} of @{self.id.data} must be {' or '.join(legal)}, got {value!r}")
        check_region(self, "body", self.body, (JsonType,))
        check_yield(self, "body", self.body)


@irdl_op_definition
class ReactOp(TaskOp):
    """Turns of a language model with tools, until a turn calls no tool; `expect` is the mean number of turns.

        %r = agent.react @assistant_react(messages, arguments) max_turns 6 expect 2.2 turn { ... }
          tool "search" { ... } : !agent.json

    The turn's argument is the list of messages of the model and the tools so far, empty at first. Its value is the
    model's turn, `{"content": ..., "tool_calls": [{"name": ..., "arguments": ...}]}`. A tool's argument is the mapping
    of its arguments; the tools that a turn calls run in parallel. The value is the content of the last turn.
    """

    name = "agent.react"

    parameters = prop_def(ArrayAttr[StringAttr])
    max_turns = prop_def(INTEGER)
    expect = prop_def(NUMBER)
    tool_names = prop_def(ArrayAttr[StringAttr])
    turn = region_def("single_block")
    tools = var_region_def("single_block")
    result = result_def(JsonType)

    assembly_format = (
        "$id custom<Parameters>($parameters) `max_turns` $max_turns `expect` custom<Amount>($expect) `turn` $turn "
        "custom<Tools>($tool_names, $tools) attr-dict `:` type($result)"
    )

    def verify_(self) -> None:
        super().verify_()
        check_expect(self, self.expect, 1, self.max_turns, "max_turns")
        parameters = names_of(self.parameters)
        distinct(f"@{self.id.data}", "parameter", parameters)
        if len(parameters) != 2:
            raise VerifyException(
                f"@{self.id.data} needs two parameters, of the turn and of a tool, not {len(parameters)}"
            )
        names = names_of(self.tool_names)
        distinct(f"@{self.id.data}", "tool", names)
        if len(names) != len(self.tools):
            raise VerifyException(f"@{self.id.data} has {len(self.tools)} tools and {len(names)} names of tools")
        check_region(self, "turn", self.turn, (JsonType,))
        check_yield(self, "turn", self.turn)
        calls = [inner for inner in self.turn.block.ops if inner.name in ("llm.call", "llm.render")]
        if len(calls) != 1:
            raise VerifyException(f"the turn of @{self.id.data} must call one language model, not {len(calls)}")
        for name, region in zip(names, self.tools, strict=True):
            check_region(self, f"tool {name!r}", region, (JsonType,))
            check_yield(self, f"tool {name!r}", region)


@irdl_op_definition
class FusedOp(TaskOp):
    """Pure computes that run one after another as one operation; its value has the name of the last one's.

    %r = agent.fused @rank_fused do {
      %found = agent.compute @parse(text = %text) {function = #agent.function<...>, pure} : (!agent.json) -> !agent.json
      %rank = agent.compute @rank(found = %found) {function = #agent.function<...>, pure} : (!agent.json) -> !agent.json
      agent.yield %rank : !agent.json
    } : !agent.json
    """

    name = "agent.fused"

    body = region_def("single_block")
    result = result_def(VALUE)

    assembly_format = "$id `do` $body attr-dict `:` type($result)"

    def verify_(self) -> None:
        super().verify_()
        check_region(self, "body", self.body, ())
        check_yield(self, "body", self.body)
        parts = [inner for inner in self.body.block.ops if inner.name not in ("agent.expr", "agent.yield")]
        for part in parts:
            if not may_be_fused(part):
                raise VerifyException(
                    f"@{self.id.data} may fuse only pure agent.compute without timeout, retries and stream, "
                    f"not {part.name}"
                )
        last = cast(YieldOp, self.body.block.last_op).value.owner
        if len(parts) < 2 or last is not parts[-1]:
            raise VerifyException(f"@{self.id.data} must fuse at least two computes and yield the value of the last")


def may_be_fused(op: Operation) -> bool:
    """Whether an operation is a compute that changes nothing and has no limits of its own."""
    limits = ("timeout_s", "retries", "stream")
    return op.name == "agent.compute" and "pure" in op.properties and not any(key in op.properties for key in limits)


def check_yield(op: WhenOp | LoopOp | FanoutOp | ReactOp | FusedOp, what: str, region: Region) -> None:
    """A region yields what its operation gives; any value where that is JSON."""
    value = cast(YieldOp, region.block.last_op).value
    if not accepts(op.result.type, value.type):
        raise VerifyException(f"the {what} of @{op.id.data} yields {value.type}, but its value is {op.result.type}")


CONTROL_OPS: tuple[type[Operation], ...] = (YieldOp, WhenOp, LoopOp, FanoutOp, ReactOp, FusedOp)
