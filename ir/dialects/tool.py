"""The `tool` dialect: one call of a tool, whole and in parts.

High-level form; latency, CPU time and price are what the author expects (absent: a profile must say):

    %found = tool.invoke @search(query = %q, %arguments)
      {function = #agent.function<...>, latency_s = 0.4 : f64, cpu_s = 0.01 : f64, retries = 2 : i64, idempotent}
      : (!agent.json, !agent.json) -> !agent.json

Decomposed form; the parts run as one call of one function, `call` names it, and `wait` is there only when the tool
waits for something outside:

    %request = tool.lookup @search_lookup(query = %q) call "search" {function = ..., plan.group = "search"}
      : (!agent.json) -> !tool.request
    %reply = tool.wait @search_wait %request wait_s 0.39 call "search" {function = ..., plan.group = "search"}
      : !tool.request
    %found = tool.compute @search %reply call "search" {function = ..., plan.group = "search"}
      : !tool.request -> !agent.json

The operand without a name is a mapping of further arguments, such as those that a language model chose.
"""

from __future__ import annotations

from xdsl.ir import Dialect, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition, irdl_op_definition, operand_def, prop_def, result_def

from ir.dialects.task import CALL_FORMAT, NUMBER, PART_CALL_FORMAT, CallOp, CpuCallOp, PartOp, PriorOp
from ir.dialects.values import VALUE


@irdl_attr_definition
class RequestType(ParametrizedAttribute, TypeAttribute):
    """`!tool.request`: a tool with checked arguments, on its way to a result."""

    name = "tool.request"


@irdl_op_definition
class InvokeOp(CpuCallOp):
    """A whole call.

    %r = tool.invoke @search(query = %q) {function = ..., latency_s = 0.4 : f64} : (!agent.json) -> !agent.json
    """

    name = "tool.invoke"

    result = result_def(VALUE)

    assembly_format = CALL_FORMAT


@irdl_op_definition
class LookupOp(CallOp, PartOp):
    """Finds the tool and checks its arguments.

    %request = tool.lookup @search_lookup(query = %q) call "search" {function = ...} : (!agent.json) -> !tool.request
    """

    name = "tool.lookup"

    result = result_def(RequestType)

    assembly_format = PART_CALL_FORMAT


@irdl_op_definition
class WaitOp(PartOp):
    """Waits for something outside, using no device.

    %r = tool.wait @search_wait %q wait_s 0.39 call "search" {function = ...} : !tool.request
    """

    name = "tool.wait"

    request = operand_def(RequestType())
    wait_s = prop_def(NUMBER)
    result = result_def(RequestType())

    assembly_format = "$id $request `wait_s` custom<Amount>($wait_s) `call` $call attr-dict `:` type($request)"


@irdl_op_definition
class ComputeOp(PartOp, PriorOp):
    """The tool's own work on a CPU core; its id is the call's, and it keeps what the author expects of the whole call.

    %found = tool.compute @search %r call "search" {function = ..., latency_s = 0.4 : f64}
      : !tool.request -> !agent.json
    """

    name = "tool.compute"

    request = operand_def(RequestType())
    result = result_def(VALUE)

    assembly_format = "$id $request `call` $call attr-dict `:` type($request) `->` type($result)"


Tool = Dialect("tool", [InvokeOp, LookupOp, WaitOp, ComputeOp], [RequestType])
