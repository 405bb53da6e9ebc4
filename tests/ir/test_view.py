import pytest
from xdsl.dialects.builtin import ModuleOp

from ir import view
from ir.dialects.control import LoopOp
from ir.dialects.task import TaskOp
from ir.pipeline import run_passes
from ir.text import parse
from ir.view import Execution, Function, Inputs, Prior, ViewError

MODULE = """
agent.graph @a(question) {
^bb0(%question : !agent.text):
  %plan = llm.call @plan_2(question = %question) models ["x", "y"] max_tokens 8
    {name = "plan", where = "a.py:3", function = #agent.function<"a.py", "plan", "0f">, timeout_s = 2.0 : f64,
     retries = 1 : i64, idempotent} : (!agent.text) -> !agent.json
  %list = agent.expr "[p.first, p.second]" (p = %plan) : (!agent.json) -> !agent.json
  %head = agent.expr "xs[0]" (xs = %list) : (!agent.json) -> !agent.json
  %found = tool.invoke @search(query = %head, limit = %question)
    {function = #agent.function<"a.py", "search", "0f">, latency_s = 0.5 : f64, cpu_s = 0.1 : f64, stream}
    : (!agent.json, !agent.text) -> !agent.json
  %better = agent.loop @revise_loop(draft = %found) max_iters 3 expect 1 until {
  ^bb0(%draft : !agent.json):
    %done = agent.expr "d.score > 0.9" (d = %draft) : (!agent.json) -> !agent.json
    agent.yield %done : !agent.json
  } do {
  ^bb0(%draft : !agent.json):
    %next = agent.compute @revise(draft = %draft, plan = %plan) {function = #agent.function<"a.py", "revise", "0f">}
      : (!agent.json, !agent.json) -> !agent.json
    agent.yield %next : !agent.json
  } : (!agent.json) -> !agent.json
  %r = agent.react @think_react(messages, arguments) max_turns 3 expect 1 turn {
  ^bb0(%m : !agent.json):
    %t = llm.call @think(question = %better, %m) models ["x"] max_tokens 8
      {function = #agent.function<"a.py", "think", "0f">} : (!agent.json, !agent.json) -> !agent.json
    agent.yield %t : !agent.json
  } tool "search" {
  ^bb0(%m : !agent.json):
    %t = tool.invoke @search_2(%m) {function = #agent.function<"a.py", "search", "0f">} : (!agent.json) -> !agent.json
    agent.yield %t : !agent.json
  } : !agent.json
  agent.output %r : !agent.json
}
"""


@pytest.fixture(params=[None, "capture"])
def module(request: pytest.FixtureRequest) -> ModuleOp:
    """The module as captured, and after every pass: a reader sees the same of both."""
    return run_passes(parse(MODULE), request.param)


def task(module: ModuleOp, identifier: str) -> TaskOp:
    """The task with an id."""
    return next(op for op in module.walk() if isinstance(op, TaskOp) and view.task_id(op) == identifier)


def test_a_call_says_its_name_place_function_and_execution(module: ModuleOp) -> None:
    plan = task(module, "plan_2")
    assert (view.task_name(plan), view.where(plan), view.call_id(plan)) == ("plan", "a.py:3", "plan_2")
    assert view.function(plan) == Function("a.py", "plan", "0f")
    assert view.execution(plan) == Execution(timeout_s=2.0, retries=1, idempotent=True, stream=False)
    search = task(module, "search")
    assert (view.task_name(search), view.where(search)) == ("search", "")
    assert view.prior(search) == Prior(0.5, 0.0, 0.1, None, None)


def test_inputs_are_expressions_over_names_with_inner_expressions_put_in(module: ModuleOp) -> None:
    expected = Inputs({"query": "[plan_2.first, plan_2.second][0]", "limit": "question"}, None)
    assert view.inputs(task(module, "search")) == expected
    assert view.inputs(task(module, "revise")) == Inputs({"draft": "draft", "plan": "plan_2"}, None)
    assert view.inputs(task(module, "search_2")) == Inputs({}, "arguments")


def test_a_loop_and_a_graph_say_their_values(module: ModuleOp) -> None:
    loop = task(module, "revise_loop")
    assert isinstance(loop, LoopOp)
    assert (view.until(loop), view.result(loop.body)) == ("draft.score > 0.9", "revise")
    graph = view.entry(module)
    assert (view.result(graph.body), [each.sym_name.data for each in view.graphs(module)]) == ("think_react", ["a"])


def test_the_parts_of_a_call_find_their_values_through_a_choice() -> None:
    module = run_passes(parse(MODULE))
    assert view.inputs(task(module, "think_render")) == Inputs({"question": "revise_loop"}, "messages")
    prefill, parse_ = task(module, "think_prefill"), task(module, "think")
    assert view.text_of(prefill.operands[0]) == "think_render"
    assert view.text_of(parse_.operands[0]) == "think_decode"
    assert (view.phase(prefill), view.call_id(prefill), view.group(prefill)) == ("prefill", "think", "think")
    assert view.models(task(module, "plan_2_prefill")) == ("x", "y")
    assert view.models(task(module, "plan_2_kv_transfer")) == ("x", "y")
    assert view.group(parse_) is None


def test_what_an_operation_lacks_is_refused() -> None:
    module = parse(MODULE)
    graph = view.entry(module)
    with pytest.raises(ViewError, match=r"agent\.graph is no task and has no id"):
        view.task_id(graph)
    with pytest.raises(ViewError, match=r"agent\.loop takes no named arguments"):
        view.inputs(task(module, "revise_loop"))
    with pytest.raises(ViewError, match=r"the module has no agent\.graph"):
        view.entry(ModuleOp([]))
