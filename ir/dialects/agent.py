"""The `agent` dialect: an agent as a graph of tasks, as it was captured.

    agent.graph @assistant(question) sla <"p95", 4> {
    ^bb0(%question : !agent.text):
      %draft = agent.call @helper_call @helper(question = %question) : (!agent.text) -> !agent.json
      %score = agent.expr "d.score > 0.9" (d = %draft) : (!agent.json) -> !agent.json
      %merged = agent.compute @merge(draft = %draft) {function = #agent.function<...>} : (!agent.json) -> !agent.json
      %logged = agent.observe @merged_observe %merged : !agent.json -> !agent.json
      %answer = agent.interrupt @interrupt %question : !agent.text -> !agent.json
      agent.output %answer : !agent.json
    }

Control (`agent.when`, `agent.loop`, `agent.fanout`, `agent.react`, `agent.yield`) is in `ir/dialects/control.py`; the
types (`!agent.json`, `!agent.text`, `!agent.audio<2.5>`, `!agent.embedding<768>`, `!agent.bytes<4096>`) are in
`ir/dialects/values.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    FlatSymbolRefAttrConstr,
    FloatAttr,
    IntegerAttr,
    NoneAttr,
    StringAttr,
    SymbolNameConstraint,
    f64,
    i64,
)
from xdsl.ir import Attribute, Dialect, ParametrizedAttribute
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.traits import HasParent, IsolatedFromAbove, IsTerminator, Pure, SymbolOpInterface, SymbolTable
from xdsl.utils.exceptions import VerifyException

from ir import expression
from ir.dialects.assembly import NamedOperands, Parameters, names_of
from ir.dialects.control import CONTROL_OPS
from ir.dialects.cost import verify_cost
from ir.dialects.decision import LAST_FORM, verify_plan
from ir.dialects.last_form import verify_last_form
from ir.dialects.names import verify_names
from ir.dialects.task import CALL_FORMAT, CpuCallOp, TaskOp, check_names, distinct
from ir.dialects.values import (
    VALUE,
    AudioType,
    BytesType,
    EmbeddingType,
    FunctionAttr,
    JsonType,
    TextType,
    Value,
    accepts,
    check_amount,
    print_amount,
)
from ir.sla import STATS


@irdl_attr_definition
class SlaAttr(ParametrizedAttribute):
    """`#agent.sla<"p95", 4>`: a statistic of the latency and its limit in seconds."""

    name = "agent.sla"

    stat: StringAttr
    limit_s: FloatAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            stat = StringAttr(parser.parse_str_literal(" as the statistic of an SLA"))
            parser.parse_punctuation(",")
            return [stat, FloatAttr(float(parser.parse_number()), f64)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.stat.data)
            printer.print_string(", ")
            print_amount(printer, self.limit_s)

    def verify(self) -> None:
        if self.stat.data not in STATS:
            raise VerifyException(f"unknown SLA statistic {self.stat.data!r}; use one of {', '.join(STATS)}")
        check_amount("the limit of an SLA", self.limit_s)


@irdl_attr_definition
class DegradeAttr(ParametrizedAttribute):
    """`#agent.degrade<"granite-4-micro", 2>`: model and iterations to fall back to, `?` where nothing."""

    name = "agent.degrade"

    model: StringAttr | NoneAttr
    max_iters: IntegerAttr | NoneAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            model = parser.parse_optional_str_literal()
            if model is None:
                parser.parse_punctuation("?", " or the name of a model")
            parser.parse_punctuation(",")
            most = parser.parse_optional_integer()
            if most is None:
                parser.parse_punctuation("?", " or a number of iterations")
        return [
            NoneAttr() if model is None else StringAttr(model),
            NoneAttr() if most is None else IntegerAttr(most, i64),
        ]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            if isinstance(self.model, StringAttr):
                printer.print_string_literal(self.model.data)
            else:
                printer.print_string("?")
            printer.print_string(", ")
            printer.print_string(str(self.max_iters.value.data) if isinstance(self.max_iters, IntegerAttr) else "?")


@irdl_op_definition
class GraphOp(IRDLOperation):
    """An agent. Block arguments are its inputs, in the order of the parameters' names.

    agent.graph @assistant(question) sla <"p95", 4> { ^bb0(%question : !agent.text): ... }
    """

    name = "agent.graph"

    sym_name = prop_def(SymbolNameConstraint())
    parameters = prop_def(ArrayAttr[StringAttr])
    sla = opt_prop_def(SlaAttr)
    first_output = opt_prop_def(SlaAttr)
    function = opt_prop_def(FunctionAttr)
    degrade = opt_prop_def(DegradeAttr)
    input_schema = opt_prop_def(StringAttr)
    output_schema = opt_prop_def(StringAttr)
    agent_name = opt_prop_def(StringAttr)
    description = opt_prop_def(StringAttr)
    body = region_def("single_block")

    irdl_options = (ParsePropInAttrDict(),)
    custom_directives = (Parameters,)
    assembly_format = (
        "$sym_name custom<Parameters>($parameters) (`sla` $sla^)? (`first_output` $first_output^)? "
        "attr-dict-with-keyword $body"
    )
    traits = traits_def(SymbolOpInterface(), IsolatedFromAbove())

    def verify_(self) -> None:
        name = self.sym_name.data
        parameters = names_of(self.parameters)
        distinct(f"agent @{name}", "parameter", parameters)
        block = self.body.block
        if len(block.args) != len(parameters):
            raise VerifyException(
                f"agent @{name} has {len(parameters)} parameters and {len(block.args)} block arguments"
            )
        for parameter, argument in zip(parameters, block.args, strict=True):
            if not isinstance(argument.type, Value):
                raise VerifyException(
                    f"input {parameter!r} of agent @{name} has the type {argument.type}, not a value's"
                )
        verify_names(block, parameters)
        for op in block.walk():
            if op.attributes:
                verify_cost(op)
                verify_plan(op)
        if LAST_FORM in self.attributes:
            verify_last_form(block, parameters)


@irdl_op_definition
class OutputOp(IRDLOperation):
    """Ends a graph with the agent's answer: `agent.output %answer : !agent.json`."""

    name = "agent.output"

    value = operand_def(VALUE)

    assembly_format = "$value attr-dict `:` type($value)"
    traits = traits_def(IsTerminator(), HasParent(GraphOp))


@irdl_op_definition
class ExprOp(IRDLOperation):
    """An expression (`ir.expression`) over named operands; it is no task and has no id.

    %hard = agent.expr "p.hard and n > 2" (p = %plan, n = %n) : (!agent.json, !agent.json) -> !agent.json
    """

    name = "agent.expr"

    text = prop_def(StringAttr)
    arguments = var_operand_def(VALUE)
    arg_names = prop_def(ArrayAttr[StringAttr])
    result = result_def(JsonType)

    custom_directives = (NamedOperands,)
    assembly_format = (
        "$text ` ` custom<NamedOperands>($arg_names, $arguments) attr-dict `:` functional-type(operands, results)"
    )
    traits = traits_def(Pure())

    def verify_(self) -> None:
        text = self.text.data
        names = names_of(self.arg_names)
        distinct(f"agent.expr {text!r}", "operand", names)
        if len(self.arguments) != len(names):
            raise VerifyException(f"agent.expr {text!r} needs one name for each of its {len(self.arguments)} operands")
        try:
            read = expression.references(expression.parse(text))
        except expression.ExpressionError as error:
            raise VerifyException(f"agent.expr: {error}") from None
        unknown, unused = sorted(read - set(names)), sorted(set(names) - read)
        if unknown:
            raise VerifyException(f"agent.expr {text!r} reads {', '.join(unknown)}, which no operand is named")
        if unused:
            raise VerifyException(f"agent.expr {text!r} does not read its operand {', '.join(unused)}")


@irdl_op_definition
class ComputeOp(CpuCallOp):
    """General-purpose compute: a user's function on a CPU core.

    %merged = agent.compute @merge(draft = %draft) {function = #agent.function<...>} : (!agent.json) -> !agent.json
    """

    name = "agent.compute"

    result = result_def(VALUE)

    assembly_format = CALL_FORMAT


@irdl_op_definition
class ObserveOp(TaskOp):
    """Writes a value to the run's log; its result is the value.

    %o = agent.observe @draft_observe %draft : !agent.json -> !agent.json
    """

    name = "agent.observe"

    value = operand_def(VALUE)
    result = result_def(VALUE)

    assembly_format = "$id $value attr-dict `:` type($value) `->` type($result)"

    def verify_(self) -> None:
        super().verify_()
        if not accepts(self.result.type, self.value.type):
            raise VerifyException(f"@{self.id.data} observes {self.value.type}, but its value is {self.result.type}")


@irdl_op_definition
class InterruptOp(TaskOp):
    """Stops the run until someone answers: `%a = agent.interrupt @approve %question : !agent.json -> !agent.json`."""

    name = "agent.interrupt"

    question = operand_def(VALUE)
    result = result_def(JsonType)

    assembly_format = "$id $question attr-dict `:` type($question) `->` type($result)"


@irdl_op_definition
class CallOp(TaskOp):
    """A call of a nested agent.

    %draft = agent.call @helper_call @helper(question = %question) : (!agent.text) -> !agent.json
    """

    name = "agent.call"

    callee = prop_def(FlatSymbolRefAttrConstr)
    arguments = var_operand_def(VALUE)
    arg_names = prop_def(ArrayAttr[StringAttr])
    result = result_def(JsonType)

    assembly_format = (
        "$id $callee custom<NamedOperands>($arg_names, $arguments) attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        names = names_of(self.arg_names)
        check_names(self, names, len(self.arguments))
        callee = resolve_callee(self)
        parameters = names_of(callee.parameters)
        if set(names) != set(parameters) or len(self.arguments) != len(names):
            raise VerifyException(
                f"@{self.id.data} calls agent @{callee.sym_name.data} with ({', '.join(names)}); "
                f"its parameters are ({', '.join(parameters)})"
            )


def resolve_callee(call: CallOp) -> GraphOp:
    """The graph that a call names. Raises `VerifyException` when the module has none."""
    callee = SymbolTable.lookup_symbol(call, call.callee.root_reference)
    if not isinstance(callee, GraphOp):
        raise VerifyException(
            f"@{call.id.data} calls agent @{call.callee.root_reference.data}, which the module does not have"
        )
    return callee


Agent = Dialect(
    "agent",
    [GraphOp, OutputOp, ExprOp, ComputeOp, ObserveOp, InterruptOp, CallOp, *CONTROL_OPS],
    [JsonType, TextType, AudioType, EmbeddingType, BytesType, FunctionAttr, SlaAttr, DegradeAttr],
)
