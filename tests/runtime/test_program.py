"""Compiling plans: the arrays of a small one, and one clear error for each kind of broken document."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement.plan import (
    Block,
    CallNode,
    FanoutNode,
    LoopNode,
    OpNode,
    Plan,
    PlanOperator,
    PlanPool,
    PlanTransfer,
    Promise,
    Promised,
    Provenance,
    Route,
    WhenNode,
)
from runtime.errors import ProgramError
from runtime.program import Kind, compile


def test_the_arrays_of_a_nested_plan(plans: Any) -> None:
    body = plans.block([plans.op("f", q="q", k="k")], "f", "q")
    nodes = [plans.op("k", x="x"), FanoutNode(id="fan", items="x", body=body, max=2), plans.op("end", v="fan", k="k")]
    program = compile(plans.plan(nodes, "end", "x"))
    assert program.ids == ("k", "fan", "end", "f")
    assert program.kinds == (Kind.OP, Kind.FANOUT, Kind.OP, Kind.OP)
    assert [program.operators[i].id if i >= 0 else None for i in program.operator_of] == ["k", None, "end", "f"]
    assert program.dependency_counts == (0, 1, 2, 0)  # fan reads k from inside its body
    assert [program.following(node) for node in range(4)] == [(1, 2), (2,), (), ()]
    assert [program.nodes(block) for block in range(2)] == [range(3), range(3, 4)]
    assert (program.blocks(1), program.slots(0), program.slots(1)) == ((1,), 4, 2)


def test_a_plan_read_from_json_compiles_to_the_same_program(plans: Any) -> None:
    plan = plans.plan([plans.op("a", x="x"), plans.op("b", y="a + 1")], "b", "x")
    assert compile(Plan.model_validate_json(plan.model_dump_json())) == compile(plan)


def refused(plan: Plan, message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        compile(plan)


def test_an_unknown_operator(plans: Any) -> None:
    plan = plans.plan([plans.op("a")], "a")
    refused(plan.model_copy(update={"operators": []}), "'a' runs the unknown operator 'a'")


@pytest.mark.parametrize("text", ["nobody", "x + nobody.score"])
def test_a_reference_to_nothing(plans: Any, text: str) -> None:
    refused(plans.plan([plans.op("a", x=text)], "a", "x"), r"a\.x reads 'nobody', .* in scope: a, x")


def test_a_name_of_an_inner_block_is_not_seen_outside(plans: Any) -> None:
    branch = WhenNode(
        id="w", condition="True", then=plans.block([plans.op("inner")], "inner"), orelse=plans.block([], "None")
    )
    refused(plans.plan([branch, plans.op("b", x="inner")], "b"), "reads 'inner'")


def test_a_cycle(plans: Any) -> None:
    refused(plans.plan([plans.op("a", x="b"), plans.op("b", x="a")], "b"), "cyclic: a, b wait for each other")
    refused(plans.plan([plans.op("a", x="a")], "a"), "cyclic: a wait")


def test_a_cycle_through_a_nested_block(plans: Any) -> None:
    body = plans.block([plans.op("f", q="q", late="after")], "f", "q")
    fan = FanoutNode(id="fan", items="x", body=body, max=2)
    refused(plans.plan([fan, plans.op("after", v="fan")], "after", "x"), "cyclic: fan, after")


def test_a_forward_reference(plans: Any) -> None:
    refused(plans.plan([plans.op("a", x="b"), plans.op("b")], "a"), "'a' reads 'b', which comes later")


def test_an_id_used_twice(plans: Any) -> None:
    refused(plans.plan([plans.op("a"), plans.op("a", x="1")], "a"), "id 'a' is used twice")
    refused(plans.plan([plans.op("x")], "x", "x"), "share a name")


def test_a_text_that_is_no_expression(plans: Any) -> None:
    refused(plans.plan([plans.op("a", x="import os")], "a"), r"a\.x: not an expression")
    refused(plans.plan([plans.op("a")], "lambda: 0"), "the result of a block: .* is not allowed")


def test_a_block_with_the_wrong_parameters(plans: Any) -> None:
    loop = LoopNode(id="l", init="0", until="True", body=plans.block([], "0"), max_iters=1)
    refused(plans.plan([loop], "l"), r"loop 'l': its body takes 1 parameter\(s\), the plan gives \[\]")
    call = CallNode(id="c", agent="helper", inputs={"y": "1"}, body=plans.block([], "x", "x"))
    refused(plans.plan([call], "c"), r"call 'c' of agent 'helper' gives \['y'\], its body takes \['x'\]")


def test_routes_that_lead_nowhere(plans: Any) -> None:
    def plan(routes: list[Route]) -> Plan:
        return plans.plan([plans.op("a")], "a", operators=[plans.operator("a", routes=routes)])

    refused(plan([Route(pool="moon", share=1.0)]), "'a' is routed to the unknown pool 'moon'; known: cpu")
    refused(plan([]), "'a' has no route")
    refused(plan([Route(pool="cpu", share=0.5)]), r"add up to 0\.5")


def test_a_group_whose_routes_differ(plans: Any) -> None:
    halves = [Route(pool="cpu", share=0.5), Route(pool="other", share=0.5)]
    operators = [plans.operator("a", group="kv", routes=halves), plans.operator("b", group="kv", routes=halves[::-1])]
    nodes, pools = [plans.op("a"), plans.op("b")], [plans.pool(), plans.pool("other")]
    refused(
        plans.plan(nodes, "a", operators=operators, pools=pools),
        "operators 'a' and 'b' are of the group 'kv' and have different routes",
    )


def test_turns_whose_kv_may_be_in_another_pool(plans: Any) -> None:
    def plan(group: str | None, *routes: Route) -> Plan:
        operator = plans.operator("a", routes=list(routes), group=group).model_copy(update={"continues": True})
        pools = [plans.pool("cpu", replicas=2), plans.pool("other", replicas=1)]
        return plans.plan([plans.op("a")], "a", operators=[operator], pools=pools)

    halves = Route(pool="cpu", share=0.5), Route(pool="other", share=0.5)
    compile(plan(None, Route(pool="cpu", share=1.0)))
    compile(plan("turns", *halves))
    why = r"operator 'a' continues the turns of a react, whose KV is in one pool, but its 2 routes have no group"
    refused(plan(None, *halves), why)


def test_tables_that_name_an_id_twice(plans: Any) -> None:
    refused(plans.plan([], "1", pools=[plans.pool(), plans.pool()]), "pool id 'cpu' is used twice")
    refused(
        plans.plan([], "1").model_copy(update={"operators": [plans.operator("a"), plans.operator("a")]}),
        "operator id 'a' is used twice",
    )


def test_a_transfer_from_nothing(plans: Any) -> None:
    kv = PlanTransfer(src="ghost", dst="a", kind="kv", size_bytes=1.0, latency_s=1.0, cost_usd=0.0)
    refused(plans.plan([plans.op("a")], "a", transfers=[kv]), "the plan has no operator 'ghost'")


@given(st.lists(st.sets(st.integers(0, 9)), min_size=1, max_size=10))
def test_dependencies_are_the_references_whatever_the_graph(reads: list[set[int]]) -> None:
    backwards = [{source for source in sources if source < node} for node, sources in enumerate(reads)]
    nodes = [
        OpNode(id=f"n{node}", operator="f", inputs={f"i{source}": f"n{source}" for source in sources})
        for node, sources in enumerate(backwards)
    ]
    plan = _with_operator_f(Block(parameters=[], nodes=list(nodes), result="n0"))
    program = compile(plan)
    assert program.dependency_counts == tuple(len(sources) for sources in backwards)
    for node in range(len(nodes)):
        assert program.following(node) == tuple(n for n, sources in enumerate(backwards) if node in sources)


def _with_operator_f(body: Any) -> Plan:
    operator = PlanOperator.model_construct(
        id="f", routes=[Route(pool="p", share=1.0)], promised=Promise(mean_s=0, cost_usd=0, source="")
    )
    return Plan.model_construct(
        body=body,
        operators=[operator],
        pools=[PlanPool.model_construct(id="p")],
        transfers=[],
        promised=Promised.model_construct(),
        provenance=Provenance.model_construct(),
    )


def test_models_take_turns_only_where_a_simulation_can_make_them(plans: Any) -> None:
    turns = plans.pool(loads_s={"m1": 2.0}, driver="simulated", batch=1)
    runs = plans.operator("a", op="model.run", model="m1")
    assert compile(plans.plan([plans.op("a")], "a", operators=[runs], pools=[turns])).ids == ("a",)
    for change in ({"driver": "cpu"}, {"batch": 2}):
        pool = turns.model_copy(update=change)
        refused(plans.plan([plans.op("a")], "a", operators=[runs], pools=[pool]), "which this version only simulates")
    other = runs.model_copy(update={"model": "m2"})
    refused(plans.plan([plans.op("a")], "a", operators=[other], pools=[turns]), "'m2' of operator 'a' is not among m1")
