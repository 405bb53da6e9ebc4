"""Branches, loops, fan-outs and nested agents: what runs, under which name, when, and what a failure ends."""

from typing import Any

import pytest

from placement.plan import CallNode, FanoutNode, LoopNode, WhenNode
from runtime.events import Cancelled, Finish


def when(plans: Any) -> WhenNode:
    return WhenNode(
        id="w",
        condition="p.hard",
        then=plans.block([plans.op("dig", x="x")], "dig"),
        orelse=plans.block([], "x"),
    )


def test_when_runs_one_branch(plans: Any, fake_run: Any) -> None:
    plan = plans.plan([plans.op("p", x="x"), when(plans)], "w", "x")
    hard = fake_run(plan, {"p": lambda x: {"hard": True}, "dig": lambda x: x * 2}).submit(x=4)
    assert (hard.instances, hard.finish) == (["p", "dig"], Finish("success", 8, None, 2.0))
    easy = fake_run(plan, {"p": lambda x: {"hard": False}}).submit(x=4)
    assert (easy.instances, easy.finish) == (["p"], Finish("success", 4, None, 1.0))


def loop(plans: Any, until: str = "d.score > 2", max_iters: int = 5) -> LoopNode:
    body = plans.block([plans.op("revise", d="d")], "revise", "d")
    return LoopNode(id="revise_loop", init="{'score': x}", until=until, body=body, max_iters=max_iters)


def better(d: Any) -> Any:
    return {"score": d["score"] + 1}


def test_a_loop_tests_before_each_body(plans: Any, fake_run: Any) -> None:
    run = fake_run(plans.plan([loop(plans)], "revise_loop", "x"), {"revise": better}).submit(x=1)
    assert run.instances == ["revise_loop[0]/revise", "revise_loop[1]/revise"]
    assert run.finish == Finish("success", {"score": 3}, None, 2.0)
    assert run.logs == []
    ready = fake_run(plans.plan([loop(plans)], "revise_loop", "x"), {}).submit(x=3)
    assert (ready.instances, ready.finish.value) == ([], {"score": 3})


def test_a_capped_loop_gives_the_last_value_and_says_so(plans: Any, fake_run: Any) -> None:
    run = fake_run(plans.plan([loop(plans, max_iters=1)], "revise_loop", "x"), {"revise": better}).submit(x=0)
    assert run.finish == Finish("success", {"score": 1}, None, 1.0)
    assert [(log.kind, log.instance, log.value) for log in run.logs] == [("loop_capped", "revise_loop", 1)]


def test_a_loop_whose_last_body_satisfies_it_is_not_capped(plans: Any, fake_run: Any) -> None:
    run = fake_run(plans.plan([loop(plans, max_iters=2)], "revise_loop", "x"), {"revise": better}).submit(x=1)
    assert (run.finish.value, run.logs) == ({"score": 3}, [])


def test_a_long_loop_of_nothing_needs_no_stack(plans: Any, fake_run: Any) -> None:
    body = plans.block([], "n + 1", "n")
    node = LoopNode(id="count", init="0", until="n >= 20000", body=body, max_iters=20000)
    assert fake_run(plans.plan([node], "count"), {}).submit().finish.value == 20000


def fanout(plans: Any, **changes: Any) -> FanoutNode:
    body = plans.block([plans.op("search", q="q", k="k")], "search", "q")
    return FanoutNode(**{"id": "search_fanout", "items": "xs", "body": body, "max": 3, **changes})


def test_a_fanout_runs_at_once_and_keeps_the_order(plans: Any, fake_run: Any) -> None:
    # `k` is read from inside the body only: the fan-out waits for it all the same.
    plan = plans.plan([plans.op("k", xs="xs"), fanout(plans)], "search_fanout", "xs")
    run = fake_run(plan, {"k": lambda xs: 10, "search": lambda q, k: q * k}, held={"search_fanout[0]/search"})
    run.submit(xs=[1, 2, 3])
    assert run.instances == ["k", *(f"search_fanout[{i}]/search" for i in range(3))]
    assert {dispatch.ready_at for dispatch in run.dispatched[1:]} == {1.0}
    assert run.finish is None
    run.release("search_fanout[0]/search")
    assert run.finish == Finish("success", [10, 20, 30], None, 2.0)


@pytest.mark.parametrize(("xs", "message"), [([1, 2, 3, 4], "4 items, max=3"), ("abc", "a list of items, got str")])
def test_a_fanout_refuses_what_it_was_not_planned_for(plans: Any, fake_run: Any, xs: Any, message: str) -> None:
    run = fake_run(plans.plan([plans.op("k"), fanout(plans)], "search_fanout", "xs"), {"k": lambda: 1}).submit(xs=xs)
    assert run.finish.status == "error"
    assert message in run.finish.failure.message
    assert run.finish.failure.instance == "search_fanout"


def test_a_fanout_may_drop_what_is_too_much(plans: Any, fake_run: Any) -> None:
    plan = plans.plan([plans.op("k"), fanout(plans, overflow="truncate")], "search_fanout", "xs")
    run = fake_run(plan, {"k": lambda: 1, "search": lambda q, k: q}).submit(xs=[1, 2, 3, 4])
    assert run.finish.value == [1, 2, 3]
    assert [(log.kind, log.value) for log in run.logs] == [("truncated", {"items": 4, "kept": 3})]


def test_a_fanout_over_nothing_is_an_empty_list(plans: Any, fake_run: Any) -> None:
    run = fake_run(plans.plan([plans.op("k"), fanout(plans)], "search_fanout", "xs"), {"k": lambda: 1}).submit(xs=[])
    assert run.finish == Finish("success", [], None, 1.0)


def reciprocal(q: float, k: float) -> float:
    return k / q


def test_the_first_failure_cancels_the_siblings(plans: Any, fake_run: Any) -> None:
    plan = plans.plan([plans.op("k"), fanout(plans)], "search_fanout", "xs")
    run = fake_run(plan, {"k": lambda: 6, "search": reciprocal}, held={"search_fanout[2]/search"})
    run.submit(xs=[1, 0, 3])
    assert run.cancelled == ["search_fanout[2]/search"]
    assert run.finish.failure.instance == "search_fanout[1]/search"
    assert run.state.results == {"k": 6, "search_fanout[0]/search": 6.0}


def test_a_collecting_fanout_puts_the_error_in_its_place(plans: Any, fake_run: Any) -> None:
    plan = plans.plan([plans.op("k"), fanout(plans, on_error="collect")], "search_fanout", "xs")
    run = fake_run(plan, {"k": lambda: 6, "search": reciprocal}).submit(xs=[1, 0, 3])
    assert run.finish.value == [6.0, {"error": "ZeroDivisionError: division by zero"}, 2.0]
    assert [(log.kind, log.value["instance"]) for log in run.logs] == [("collected", "search_fanout[1]/search")]


def test_a_collected_failure_ends_only_its_item(plans: Any, fake_run: Any) -> None:
    # Item 1 is itself a fan-out whose second call fails: its sibling is cancelled, item 0 goes on.
    inner = FanoutNode(id="inner", items="row", body=plans.block([plans.op("f", q="q")], "f", "q"), max=3)
    outer = FanoutNode(id="outer", items="rows", body=plans.block([inner], "inner", "row"), max=3, on_error="collect")
    run = fake_run(plans.plan([outer], "outer", "rows"), {"f": lambda q: 1 / q}, held={"outer[0]/inner[0]/f"})
    run.held.add("outer[1]/inner[1]/f")
    run.submit(rows=[[1], [0, 5]])
    assert run.cancelled == ["outer[1]/inner[1]/f"]
    run.release("outer[0]/inner[0]/f")
    assert run.finish.value == [[1.0], {"error": "ZeroDivisionError: division by zero"}]


def test_paths_name_every_level(plans: Any, fake_run: Any) -> None:
    inner = FanoutNode(id="fan", items="d", body=plans.block([plans.op("f", q="q")], "f", "q"), max=3)
    node = LoopNode(id="rounds", init="x", until="len(d) > 9", body=plans.block([inner], "fan", "d"), max_iters=2)
    run = fake_run(plans.plan([node], "rounds", "x"), {"f": lambda q: q}).submit(x=[1, 2])
    assert run.instances == ["rounds[0]/fan[0]/f", "rounds[0]/fan[1]/f", "rounds[1]/fan[0]/f", "rounds[1]/fan[1]/f"]


def test_a_nested_agent_has_its_own_names(plans: Any, fake_run: Any) -> None:
    def helper(id: str, value: str) -> CallNode:
        body = plans.block([plans.op("work", q="q")], "work + 1", "q")
        return CallNode(id=id, agent="helper", inputs={"q": value}, body=body)

    plan = plans.plan([helper("first", "x"), helper("second", "first")], "second", "x")
    run = fake_run(plan, {"work": lambda q: q * 10}).submit(x=1)
    assert run.instances == ["first/work", "second/work"]
    assert run.finish == Finish("success", 111, None, 2.0)  # (1 x 10 + 1) x 10 + 1


def test_cancelling_ends_every_open_frame(plans: Any, fake_run: Any) -> None:
    plan = plans.plan([plans.op("k"), fanout(plans)], "search_fanout", "xs")
    run = fake_run(plan, {"k": lambda: 1}, held={f"search_fanout[{i}]/search" for i in range(3)})
    run.submit(xs=[1, 2, 3])
    run.feed(Cancelled(1.5))
    assert run.cancelled == [f"search_fanout[{i}]/search" for i in range(3)]
    assert run.finish == Finish("cancelled", None, None, 1.5)
