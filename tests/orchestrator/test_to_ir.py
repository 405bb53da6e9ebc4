from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, ModuleOp, StringAttr
from xdsl.utils.exceptions import VerifyException

from ir import view
from ir.dialects import agent, control, cost
from ir.dialects.assembly import names_of
from ir.dialects.task import TaskOp
from ir.expression import parse, to_text
from ir.pipeline import run_passes
from ir.sla import Sla
from ir.text import parse as parse_module
from ir.text import to_text as module_text
from orchestrator.graph import (
    AgentTask,
    Body,
    CallTask,
    Degrade,
    FanoutTask,
    FunctionRef,
    Graph,
    InterruptTask,
    LlmTask,
    LoopTask,
    ModelTask,
    ObserveTask,
    Prior,
    ReactTask,
    Task,
    WhenTask,
    walk,
)
from orchestrator.task_attributes import ToIrError
from orchestrator.to_ir import to_ir
from tests.ir.graphs import graphs

F = FunctionRef("examples/a.py", "f", "00ff")


def canonical(text: str) -> str:
    """An expression's text as the IR writes it."""
    return to_text(parse(text))


def task_op(graph: agent.GraphOp, identifier: str) -> TaskOp:
    """The operation of a task."""
    return next(op for op in graph.walk() if isinstance(op, TaskOp) and op.id.data == identifier)


def check_header(task: Task, op: TaskOp) -> None:
    assert (view.task_id(op), view.task_name(op), view.where(op)) == (task.id, task.name, task.where)


def check_call(task: LlmTask | CallTask | ModelTask, op: TaskOp, rest: str | None) -> None:
    """Everything that a task says of its call can be read from the operation."""
    check_header(task, op)
    function, execution = view.function(op), view.execution(op)
    assert function is not None
    assert (function.source, function.qualname, function.sha256) == (F.source, task.function.qualname, F.sha256)
    said = task.execution
    assert (execution.timeout_s, execution.retries) == (said.timeout_s, said.retries)
    assert execution.items == said.items
    assert (execution.idempotent, execution.stream, execution.pure) == (said.idempotent, said.stream, said.pure)
    assert view.inputs(op).named == {name: canonical(text) for name, text in task.inputs.items()}
    assert view.inputs(op).rest == rest
    if isinstance(task, CallTask):
        expected = {"tool": "tool.invoke", "compute": "agent.compute", "memory": f"memory.{task.op}"}
        prior = view.prior(op)
        said_prior = Prior(prior.latency_s, prior.latency_sd_s, prior.cpu_s, prior.cost_usd, prior.tokens_out)
        assert (op.name, said_prior, view.integer(op, "k")) == (expected[task.kind], task.prior, task.k)
        return
    names = ("tokens_in", "tokens_out", "max_tokens") if isinstance(task, LlmTask) else ("audio_s", "tokens", "images")
    for name in names:
        number = view.integer(op, name) if name == "max_tokens" else view.number(op, name)
        assert number == getattr(task, name)
    assert cost.models_of(op) == task.models


def check_control(task: Task, op: TaskOp) -> None:
    """Bounds, means and expressions of control."""
    check_header(task, op)
    match task, op:
        case WhenTask(), control.WhenOp():
            assert view.number(op, "p") == task.p
            assert view.text_of(op.condition) == canonical(task.condition)
            assert (view.result(op.then), view.result(op.orelse)) == (task.then.result, task.orelse.result)
        case LoopTask(), control.LoopOp():
            assert (view.integer(op, "max_iters"), view.number(op, "expect")) == (task.max_iters, task.expect)
            assert (view.text_of(op.init), view.until(op)) == (canonical(task.init), canonical(task.until))
            assert ((op.parameter.data,), view.result(op.body)) == (task.body.parameters, task.body.result)
        case FanoutTask(), control.FanoutOp():
            assert (view.integer(op, "max"), view.number(op, "expect")) == (task.max, task.expect)
            assert (op.overflow.data, op.on_error.data) == (task.overflow, task.on_error)
            assert (view.text_of(op.items), view.result(op.body)) == (canonical(task.items), task.body.result)
        case ReactTask(), control.ReactOp():
            assert (view.integer(op, "max_turns"), view.number(op, "expect")) == (task.max_turns, task.expect)
            assert names_of(op.tool_names) == tuple(tool.name for tool in task.tools)
        case ObserveTask(), agent.ObserveOp():
            assert view.text_of(op.value) == canonical(task.value)
        case InterruptTask(), agent.InterruptOp():
            assert view.text_of(op.question) == canonical(task.question)
        case _:
            pytest.fail(f"{task.id} became {op.name}")


def check_graph(module: ModuleOp, graph: Graph, op: agent.GraphOp) -> None:
    """Everything that a graph says can be read from the module."""
    assert names_of(op.parameters) == graph.body.parameters
    assert view.result(op.body) == graph.body.result
    assert (op.agent_name or op.sym_name).data == graph.name
    in_reacts = {
        id(each) for task in walk(graph.body) if isinstance(task, ReactTask) for each in (task.llm, *task.tools)
    }
    inner = [task for task in walk(graph.body) if isinstance(task, AgentTask)]
    hidden = {id(each) for task in inner for each in walk(task.graph.body)}
    for task in walk(graph.body):
        if id(task) in hidden:
            continue
        found = task_op(op, task.id)
        if isinstance(task, AgentTask):
            assert isinstance(found, agent.CallOp)
            check_header(task, found)
            # what a model chose for a tool is checked first, by an operation of its own
            chosen = {name: f"{task.id}_arguments.{name}" for name in task.graph.body.parameters}
            assert view.inputs(found).named == (chosen if id(task) in in_reacts else task.inputs)
            check_graph(module, task.graph, agent.resolve_callee(found))
        elif isinstance(task, LlmTask | CallTask | ModelTask):
            parameter = "messages" if isinstance(task, LlmTask) else "arguments"
            check_call(task, found, parameter if id(task) in in_reacts else None)
        else:
            check_control(task, found)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_nothing_of_a_graph_is_lost(graph: Graph) -> None:
    module = to_ir(graph)
    check_graph(module, graph, view.entry(module))


def call(name: str, **inputs: str) -> CallTask:
    """A compute task."""
    return CallTask(id=name, name=name, kind="compute", function=F, inputs=inputs, prior=Prior())


def graph_of(*tasks: Task, result: str = "q", **changes: Any) -> Graph:
    """An agent with the input `q`."""
    graph = Graph("a", F, Body(("q",), tasks, result), None, {}, {})
    return replace(graph, **changes)


def test_a_graph_keeps_its_limits_schemas_and_fallbacks() -> None:
    graph = graph_of(
        sla=Sla("p95", 4.0),
        first_output=Sla("mean", 0.5),
        degrade=Degrade(None, 2),
        description="Schöne Antworten.\n",
        input_schema={"properties": {"q": {"type": "string"}}},
        output_schema={"type": "string", "title": "Größe"},
    )
    op = view.entry(to_ir(graph))
    assert (op.sla, op.first_output) == (
        agent.SlaAttr(StringAttr("p95"), FloatAttr(4.0, 64)),
        agent.SlaAttr(StringAttr("mean"), FloatAttr(0.5, 64)),
    )
    assert op.degrade is not None
    assert op.degrade.max_iters == IntegerAttr(2, 64)
    assert op.input_schema is not None
    assert op.input_schema.data == '{"properties": {"q": {"type": "string"}}}'
    assert str(op.body.block.args[0].type) == "!agent.text"
    text = module_text(to_ir(graph))
    assert text.isascii(), "stock xdsl-opt reads back ASCII only"
    assert op.description is not None
    assert op.description.data.encode().decode("unicode_escape") == "Schöne Antworten.\n"


def test_a_reference_becomes_an_operand_and_anything_else_an_expression() -> None:
    module = to_ir(graph_of(call("first", x="q"), call("second", x="first", y="first.n + 1"), result="second"))
    text = module_text(module)
    assert "agent.compute @first(x = %q)" in text
    assert 'agent.expr "first.n + 1" (first = %first)' in text
    assert text.count("agent.expr") == 1


def test_names_may_have_any_letters() -> None:
    body = Body(("質問",), (call("größe", q="質問"), call("ответ", q="größe['größe']")), "ответ")
    text = module_text(to_ir(Graph("агент", F, body, None, {}, {})))
    again = parse_module(text)
    assert module_text(again) == text
    assert [op.id.data for op in again.walk() if isinstance(op, TaskOp)] == ["größe", "ответ"]


def test_equal_agents_share_a_graph_and_other_agents_of_the_same_name_do_not() -> None:
    inner = Graph("helper", F, Body(("q",), (), "q"), None, {}, {})
    other = replace(inner, body=Body(("q",), (call("go", x="q"),), "go"))

    def nested(name: str, graph: Graph) -> AgentTask:
        return AgentTask(id=name, name=name, inputs={"q": "q"}, graph=graph)

    module = to_ir(
        graph_of(nested("one", inner), nested("two", inner), nested("three", other), result="[one, two, three]")
    )
    assert [each.sym_name.data for each in view.graphs(module)] == ["a", "helper", "helper_2"]
    assert [each.agent_name for each in view.graphs(module)] == [None, None, StringAttr("helper")]


def test_the_parameters_of_a_react_never_hide_a_name_of_the_graph() -> None:
    llm = LlmTask(
        id="think",
        name="think",
        function=F,
        inputs={"x": "messages"},
        models=("m",),
        max_tokens=8,
        tokens_in=1,
        tokens_out=1,
    )
    react = ReactTask(id="react", name="react", llm=llm, tools=(call("arguments"),), max_turns=2, expect=1.0)
    graph = replace(graph_of(react, result="react"), body=Body(("messages",), (react,), "react"))
    op = task_op(view.entry(to_ir(graph)), "react")
    assert isinstance(op, control.ReactOp)
    assert names_of(op.parameters) == ("messages_2", "arguments_2")


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (graph_of(call("c", x="missing")), "c of agent a reads missing, which is not defined before it"),
        (graph_of(call("c", x="d"), call("d")), "c of agent a reads d, which is not defined before it"),
        (graph_of(result="nothing"), "a result of agent a reads nothing, which is not defined before it"),
        (
            graph_of(
                WhenTask(id="w", name="w", condition="q", p=1, then=Body(("x",), (), "q"), orelse=Body((), (), "q"))
            ),
            r"a body has the parameters \('x',\), but 0 values are passed to it",
        ),
        (
            graph_of(LoopTask(id="l", name="l", init="q", until="q", body=Body((), (), "q"), max_iters=1, expect=1)),
            r"the body of l has the parameters \(\); it takes one value",
        ),
        (
            graph_of(replace(call("m"), kind="memory")),
            "memory task m does not say whether it is a lookup, a load or a store",
        ),
    ],
)
def test_a_graph_that_cannot_be_a_module_is_refused(graph: Graph, message: str) -> None:
    with pytest.raises(ToIrError, match=message):
        to_ir(graph)


def test_what_the_verifiers_refuse_is_refused_with_their_message() -> None:
    with pytest.raises(VerifyException, match="two tasks have the id 'c'; an id is unique in its graph"):
        to_ir(graph_of(call("c"), call("c")))


@pytest.mark.parametrize(
    ("models", "tokens", "type_text", "bytes_out"),
    [
        # 768 numbers of 4 bytes
        (("granite-embedding-125m",), 300.0, "!agent.embedding<768>", 3072.0),
        # 1,100 tokens in pieces of 512: three vectors
        (("granite-embedding-125m",), 1100.0, "!agent.embedding<768>", 9216.0),
        (("granite-embedding-125m", "bge-large-en-v1.5"), 300.0, "!agent.json", None),
        (("of-nobody",), 300.0, "!agent.json", None),
    ],
)
def test_an_embedding_has_the_size_of_its_models_vectors(
    models: tuple[str, ...], tokens: float, type_text: str, bytes_out: float | None
) -> None:
    task = ModelTask(id="embed", name="embed", function=F, inputs={"text": "q"}, models=models, tokens=tokens)
    schema = {"properties": {"q": {"type": "string"}}}
    graph = Graph("g", F, Body(("q",), (task,), "embed"), None, schema, {})
    module = run_passes(to_ir(graph))
    embed = task_op(view.entry(module), "embed")
    assert str(embed.results[0].type) == type_text
    assert cost.amount(embed, "bytes_out") == bytes_out
