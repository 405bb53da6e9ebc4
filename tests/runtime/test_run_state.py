"""The state machine of a run: dataflow order, times, retries, failures and the ends of a run."""

from typing import Any

import pytest

from placement.plan import InterruptNode, ObserveNode, PlanTransfer, WhenNode
from runtime.errors import InputError
from runtime.events import (
    Answered,
    Ask,
    Cancel,
    Cancelled,
    DeadlinePassed,
    Dispatch,
    Failed,
    Finish,
    Submitted,
    Succeeded,
)
from runtime.failure import Failure
from runtime.program import compile
from runtime.run_state import RunState


def test_a_node_starts_when_what_it_reads_has_finished(plans: Any) -> None:
    # slow and fast start at once; after_fast waits for fast alone, although slow is written before it.
    nodes = [
        plans.op("slow", x="x"),
        plans.op("fast", x="x"),
        plans.op("after_fast", y="fast"),
        plans.op("joined", a="slow", b="after_fast"),
    ]
    state = RunState(compile(plans.plan(nodes, "joined", "x")))
    started = state.step(Submitted({"x": 1}, 0.0))
    assert [command.instance for command in started] == ["slow", "fast"]
    (after_fast,) = state.step(Succeeded("fast", 1, 2, 1.0))
    assert isinstance(after_fast, Dispatch)
    assert (after_fast.instance, after_fast.arguments, after_fast.ready_at) == ("after_fast", {"y": 2}, 1.0)
    assert state.step(Succeeded("after_fast", 1, 3, 2.0)) == []
    (joined,) = state.step(Succeeded("slow", 1, 4, 5.0))
    assert isinstance(joined, Dispatch)
    assert (joined.arguments, joined.ready_at) == ({"a": 4, "b": 3}, 5.0)  # latest finish: max(5, 2)
    assert state.step(Succeeded("joined", 1, 9, 6.5)) == [Finish("success", 9, None, 6.5)]
    assert state.results == {"fast": 2, "after_fast": 3, "slow": 4, "joined": 9}


def test_the_order_of_events_does_not_change_values_or_times(plans: Any) -> None:
    nodes = [plans.op("a", x="x"), plans.op("b", x="x"), plans.op("c", a="a", b="b")]
    program = compile(plans.plan(nodes, "c", "x"))
    finished = [Succeeded("a", 1, "A", 3.0), Succeeded("b", 1, "B", 2.0)]
    seen = []
    for order in (finished, finished[::-1]):
        state = RunState(program)
        state.step(Submitted({"x": 0}, 0.0))
        seen.append([state.step(event) for event in order][-1])
    assert seen[0] == seen[1]
    assert seen[0][0].ready_at == 3.0


def test_a_frame_waits_for_nodes_that_its_value_does_not_read(plans: Any, fake_run: Any) -> None:
    run = fake_run(plans.plan([plans.op("store", x="x"), plans.op("a", x="x")], "a", "x"), {}, {"store": 4.0})
    run.answers = {"store": lambda x: None, "a": lambda x: x}
    assert run.submit(x=7).finish == Finish("success", 7, None, 4.0)


def test_the_value_of_a_plan_without_nodes_is_its_expression(plans: Any, fake_run: Any) -> None:
    assert fake_run(plans.plan([], "x + 1", "x"), {}).submit(x=1).finish == Finish("success", 2, None, 0.0)


def test_inputs_must_be_the_agents_parameters(plans: Any) -> None:
    state = RunState(compile(plans.plan([], "x", "x")))
    with pytest.raises(InputError, match=r"takes \['x'\], the run was given \['y'\]"):
        state.step(Submitted({"y": 1}, 0.0))


def test_an_observed_value_is_logged_and_passed_on(plans: Any, fake_run: Any) -> None:
    nodes = [plans.op("a", x="x"), ObserveNode(id="seen", value="a"), plans.op("b", y="seen")]
    run = fake_run(plans.plan(nodes, "b", "x"), {"a": lambda x: x + 1, "b": lambda y: y * 2}).submit(x=1)
    assert [(log.kind, log.instance, log.value, log.at) for log in run.logs] == [("observed", "seen", 2, 1.0)]
    assert run.finish == Finish("success", 4, None, 2.0)


def test_a_transfer_delays_the_operator_that_receives_it(plans: Any, fake_run: Any) -> None:
    # prefill ends at 1, side at 5; the KV arrives at 1 + 10 = 11, so decode ends at 12 although it was ready at 5.
    kv = PlanTransfer(src="prefill", dst="decode", kind="kv", size_bytes=1e6, latency_s=10.0, cost_usd=0.0)
    nodes = [plans.op("prefill", x="x"), plans.op("side", x="x"), plans.op("decode", kv="prefill", s="side")]
    run = fake_run(plans.plan(nodes, "decode", "x", transfers=[kv]), {}, {"side": 5.0})
    run.answers = {"prefill": lambda x: x, "side": lambda x: x, "decode": lambda kv, s: "text"}
    run.submit(x=1)
    assert run.dispatched[-1].ready_at == 5.0
    assert [(sent.transfer, sent.sent_at) for sent in run.dispatched[-1].transfers] == [(kv, 1.0)]
    assert run.finish == Finish("success", "text", None, 12.0)


def test_a_transfer_counts_only_where_the_data_came_from_its_source(plans: Any, fake_run: Any) -> None:
    # Only `then` runs: the transfer from b, which the plan lists too, does not happen.
    def transfer(src: str) -> PlanTransfer:
        return PlanTransfer(src=src, dst="c", kind="data", size_bytes=1.0, latency_s=3.0, cost_usd=0.0)

    branch = WhenNode(
        id="w",
        condition="x > 0",
        then=plans.block([plans.op("a", x="x")], "a"),
        orelse=plans.block([plans.op("b", x="x")], "b"),
    )
    plan = plans.plan([branch, plans.op("c", v="w")], "c", "x", transfers=[transfer("a"), transfer("b")])
    run = fake_run(plan, {"a": lambda x: 1, "c": lambda v: v}).submit(x=1)
    assert [sent.transfer.src for sent in run.dispatched[-1].transfers] == ["a"]
    assert run.finish.at == 5.0  # 1 (a) + 3 (transfer) + 1 (c)


def idempotent(plans: Any, id: str, retries: int = 2) -> Any:
    return plans.operator(id, idempotent=True, retries=retries)


@pytest.mark.parametrize("kind", ["raised", "timeout", "lost"])
def test_a_failed_attempt_of_an_idempotent_operator_is_repeated(plans: Any, kind: Any) -> None:
    program = compile(plans.plan([plans.op("a", x="x")], "a", "x", operators=[idempotent(plans, "a")]))
    state = RunState(program)
    (first,) = state.step(Submitted({"x": 5}, 0.0))
    retried, again = state.step(Failed("a", 1, Failure(kind, "OSError", "gone"), 2.0))
    assert isinstance(first, Dispatch)
    assert again == first._replace(attempt=2, ready_at=2.0)
    assert (retried.kind, retried.instance) == ("retried", "a")
    assert state.step(Succeeded("a", 1, "late", 2.5)) == [], "the first attempt is superseded"
    assert state.step(Succeeded("a", 2, "value", 3.0)) == [Finish("success", "value", None, 3.0)]


def test_retries_are_counted(plans: Any) -> None:
    program = compile(plans.plan([plans.op("a", x="x")], "a", "x", operators=[idempotent(plans, "a", retries=1)]))
    state = RunState(program)
    state.step(Submitted({"x": 5}, 0.0))
    state.step(Failed("a", 1, Failure("raised", "E", "1"), 1.0))
    (finish,) = state.step(Failed("a", 2, Failure("raised", "E", "2"), 2.0))
    assert finish == Finish("error", None, Failure("raised", "E", "2", instance="a"), 2.0)


@pytest.mark.parametrize(
    ("idempotent", "kind"), [(False, "raised"), (False, "lost"), (True, "refused"), (True, "arguments")]
)
def test_what_must_not_be_repeated_ends_the_run(plans: Any, idempotent: bool, kind: Any) -> None:
    operator = plans.operator("a", idempotent=idempotent, retries=5)
    state = RunState(compile(plans.plan([plans.op("a", x="x")], "a", "x", operators=[operator])))
    state.step(Submitted({"x": 5}, 0.0))
    (finish,) = state.step(Failed("a", 1, Failure(kind, "E", "no"), 1.0))
    assert finish.status == "error"


def test_a_failure_cancels_what_runs_and_keeps_the_results(plans: Any) -> None:
    nodes = [plans.op("a", x="x"), plans.op("b", x="x"), plans.op("c", x="x")]
    state = RunState(compile(plans.plan(nodes, "a", "x")))
    state.step(Submitted({"x": 5}, 0.0))
    state.step(Succeeded("a", 1, "A", 1.0))
    failure = Failure("raised", "ValueError", "bad", "Traceback ...")
    assert state.step(Failed("b", 1, failure, 2.0)) == [
        Cancel("c", 1),
        Finish("error", None, failure.at_instance("b"), 2.0),
    ]
    assert state.results == {"a": "A"}
    assert state.status == "error"
    assert state.step(Succeeded("c", 1, "C", 3.0)) == [], "an ended run takes no more events"


def test_an_expression_without_a_value_ends_the_run_with_its_node(plans: Any, fake_run: Any) -> None:
    run = fake_run(plans.plan([plans.op("a", x="x"), plans.op("b", y="a.score")], "b", "x"), {"a": lambda x: {"s": 1}})
    run.submit(x=1)
    assert run.finish.status == "error"
    assert run.finish.failure.instance == "b"
    assert "no field 'score'" in run.finish.failure.message


@pytest.mark.parametrize(
    ("event", "status"), [(Cancelled(0.5), "cancelled"), (DeadlinePassed(0.5), "timeout")], ids=str
)
def test_a_run_can_be_ended_from_outside(plans: Any, event: Any, status: str) -> None:
    state = RunState(compile(plans.plan([plans.op("a", x="x")], "a", "x")))
    state.step(Submitted({"x": 1}, 0.0))
    cancel, finish = state.step(event)
    assert cancel == Cancel("a", 1)
    assert (finish.status, finish.at, state.status) == (status, 0.5, status)


def test_an_interrupted_run_goes_on_with_the_answer(plans: Any) -> None:
    nodes = [plans.op("a", x="x"), InterruptNode(id="ask", question="a"), plans.op("b", y="ask"), plans.op("c", x="x")]
    state = RunState(compile(plans.plan(nodes, "[b, c]", "x")))
    state.step(Submitted({"x": 1}, 0.0))
    assert state.step(Succeeded("a", 1, "sure?", 1.0)) == [Ask("ask", "sure?", 1.0)]
    assert state.status == "running", "c still runs"
    state.step(Succeeded("c", 1, "C", 2.0))
    assert (state.status, state.questions) == ("interrupted", {"ask": "sure?"})
    (resumed,) = state.step(Answered("ask", "yes", 60.0))
    assert isinstance(resumed, Dispatch)
    assert (resumed.arguments, resumed.ready_at, state.status) == ({"y": "yes"}, 60.0, "running")
    assert state.step(Succeeded("b", 1, "B", 61.0)) == [Finish("success", ["B", "C"], None, 61.0)]


def test_the_value_without_a_name_travels_apart(plans: Any, fake_run: Any) -> None:
    run = fake_run(plans.plan([plans.op("a", rest="[x]", q="x")], "a", "x"), {"a": lambda rest, q: [rest, q]})
    assert run.submit(x=1).finish.value == [[1], 1]
