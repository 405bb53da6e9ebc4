import math

import pytest

from costmodel.fleet import Link
from ir.sla import Sla
from orchestrator import agent, llm, when
from orchestrator.agent_function import AgentFunction
from placement import plan
from placement.from_ir import from_ir
from placement.plan_from_ir import Heading, plan_from_ir
from placement.pricing import Pricing
from placement.settle import settle
from placement.solve import solve
from runtime.program import compile
from tests.placement import sample_agents as agents
from tests.placement.sample_agents import cores, first, graph_op, h100, pricing, row, second, transcribe

HEADING = Heading(
    plan.Provenance(
        agent="a",
        graph_sha256="0",
        fleet="test",
        fleet_sha256="1",
        catalog="default",
        orchestrator_version="0",
        solver="s",
    ),
    {"type": "object"},
    {"type": "string"},
)
CHARGED = (Link("xeon_8480p", "h100_sxm", 1e9, 0.001, 1e-7), Link("h100_sxm", "xeon_8480p", 1e9, 0.001, 2e-7))
"""Links that charge for every byte, dearer on the way back."""

EVERY = [
    agents.chain_agent,
    agents.diamond_agent,
    agents.branch_agent,
    agents.loop_agent,
    agents.fanout_agent,
    agents.react_agent,
    agents.single_turn_agent,
    agents.toolless_agent,
    agents.pause_agent,
    agents.answer_agent,
    agents.nested_agent,
    agents.speech_agent,
]


@agent
def rare_speech_agent(recording: str) -> str:
    return second(when(first(recording), lambda: transcribe(recording), lambda: first(recording), p=0.1))


@llm(model="llama3.1-8b", max_tokens=200)
def unsized(question: str) -> str:
    return question


@agent
def unsized_agent(text: str) -> str:
    return unsized(text)


def planned(of: AgentFunction[..., object], priced: Pricing | None = None, limit_s: float | None = None) -> plan.Plan:
    sla = None if limit_s is None else Sla("worst", limit_s)
    lowered = from_ir(graph_op(of), priced or pricing(), sla)
    return plan_from_ir(lowered, settle(lowered, solve(lowered.problem)), HEADING)


def fast(of: AgentFunction[..., object]) -> plan.Plan:
    """On a fleet whose links charge, where only H100s run models: on cores each takes an hour."""
    slow = tuple(
        row(task, "xeon_8480p", 3600.0, 100.0) for task in ("answer.prefill", "answer.decode", "transcribe.run")
    )
    return planned(of, pricing(cores(64), h100(8), links=CHARGED, rows=slow))


def op_nodes(block: plan.Block) -> list[plan.OpNode]:
    found: list[plan.OpNode] = []
    for node in block.nodes:
        if isinstance(node, plan.OpNode):
            found.append(node)
        elif isinstance(node, plan.WhenNode):
            found += op_nodes(node.then) + op_nodes(node.orelse)
        elif isinstance(node, plan.LoopNode | plan.FanoutNode):
            found += op_nodes(node.body)
        elif isinstance(node, plan.ReactNode):
            found += [each for block in (node.turn, *node.tools.values()) for each in op_nodes(block)]
    return found


@pytest.mark.parametrize("of", [*EVERY, rare_speech_agent])
def test_every_operator_is_run_by_one_node_and_routed_to_a_pool(of: AgentFunction[..., object]) -> None:
    document = planned(of)
    ids = [operator.id for operator in document.operators]
    assert sorted(node.operator for node in op_nodes(document.body)) == sorted(ids)
    assert len(ids) == len(set(ids))
    pools = {pool.id: pool for pool in document.pools}
    assert {operator.routes[0].pool for operator in document.operators} == pools.keys()
    assert all(operator.driver == pools[operator.routes[0].pool].driver for operator in document.operators)
    assert {name for operator in document.operators for name in operator.inputs} <= set(ids)


@pytest.mark.parametrize("of", EVERY)
def test_a_plan_survives_json_and_the_runtime_compiles_it(of: AgentFunction[..., object]) -> None:
    document = planned(of)
    assert plan.Plan.model_validate_json(document.model_dump_json()) == document
    assert len(compile(document).operators) == len(document.operators)


@pytest.mark.parametrize("of", [*EVERY, rare_speech_agent])
def test_visits_times_costs_are_the_promised_cost(of: AgentFunction[..., object]) -> None:
    for document in (planned(of), fast(of)):
        operators = [operator.visits * operator.promised.cost_usd for operator in document.operators]
        transfers = [transfer.visits * transfer.cost_usd for transfer in document.transfers]
        assert math.fsum(operators + transfers) == pytest.approx(document.promised.cost_usd, rel=1e-12)


def test_transfers_that_take_something_are_written() -> None:
    document = fast(agents.answer_agent)
    found = {(each.src, each.dst): each for each in document.transfers}
    assert list(found) == [("answer.render", "answer.prefill"), ("answer.decode", "answer.parse")]
    # 1000 tokens of 4 bytes up, 100 down, each 1 ms and 1 GB/s
    up, down = found.values()
    assert (up.kind, up.size_bytes, up.latency_s, up.cost_usd) == (
        "data",
        4000,
        pytest.approx(0.001004),
        pytest.approx(4e-4),
    )
    assert (down.size_bytes, down.latency_s, down.cost_usd) == (400, pytest.approx(0.0010004), pytest.approx(8e-5))
    assert [(link.src, link.dst, link.usd_per_byte) for link in document.links] == [
        ("xeon_8480p", "h100_sxm", 1e-7),
        ("h100_sxm", "xeon_8480p", 2e-7),
    ]


def test_a_transfer_says_how_often_it_happens() -> None:
    (found,) = fast(rare_speech_agent).transfers
    assert (found.src, found.dst, found.visits, found.size_bytes) == ("transcribe", "second", 0.1, 4096)


@pytest.mark.parametrize(
    ("of", "call", "size_bytes"),
    [(agents.answer_agent, "answer", 1000 * 131072), (unsized_agent, "unsized", None)],  # a row needs no size
)
def test_a_disaggregated_call_moves_its_kv(of: AgentFunction[..., object], call: str, size_bytes: float | None) -> None:
    pairs = [(a, b) for a in ("h100_sxm", "xeon_8480p") for b in ("h100_sxm", "xeon_8480p")]
    rows = (
        row(f"{call}.prefill", "h100_sxm", 0.1, 0.1),
        row(f"{call}.prefill", "xeon_8480p", 9.0, 9.0),
        row(f"{call}.decode", "h100_sxm", 9.0, 9.0),
        row(f"{call}.decode", "xeon_8480p", 0.1, 0.1),
        *(row(f"{call}.kv_transfer", f"{a}->{b}", 0.01, 0.001) for a, b in pairs),
    )
    document = planned(of, pricing(rows=rows))
    assert document.choices == {f"{call}_choice": "disaggregated"}
    (kv,) = [each for each in document.transfers if each.kind == "kv"]
    assert (kv.src, kv.dst) == (f"{call}.prefill", f"{call}.decode")
    assert (kv.size_bytes, kv.latency_s, kv.cost_usd, kv.visits) == (size_bytes, 0.01, 0.001, 1.0)
    assert not kv.overlapped  # what was measured stays what it is


def test_a_transfer_behind_a_prefill_takes_what_is_exposed() -> None:
    rows = (
        row("answer.prefill", "h100_sxm", 0.064, 0.1),
        row("answer.prefill", "xeon_8480p", 9.0, 9.0),
        row("answer.decode", "h100_sxm", 9.0, 9.0),
        row("answer.decode", "xeon_8480p", 0.1, 0.1),
    )
    document = planned(
        agents.answer_agent, pricing(links=(Link("h100_sxm", "xeon_8480p", 1e9, 0.001, 0.0),), rows=rows)
    )
    (kv,) = [each for each in document.transfers if each.kind == "kv"]
    # 131.072 MB at 1 GB/s after 1 ms, less 31 of 32 layers of 64 ms: 1 + 131.072 - 62 ms
    assert (kv.overlapped, kv.latency_s) == (True, pytest.approx(0.070072))


def test_what_an_operator_says_of_itself() -> None:
    document = planned(agents.react_agent)
    found = {operator.id: operator for operator in document.operators}
    search = found["search"]
    assert (search.name, search.op, search.driver, search.visits, search.model) == (
        "search",
        "tool.invoke",
        "cpu",
        1,
        None,
    )
    assert search.function is not None
    assert search.function.qualname == "search"
    assert (search.promised.mean_s, search.promised.source) == (0.1, "prior")
    assert search.promised.cost_usd == pytest.approx(0.001 + 0.01 * 0.001)
    assert [(part.op, pytest.approx(part.latency_s)) for part in search.parts] == [
        ("tool.lookup", 0.0),
        ("tool.wait", 0.09),
        ("tool.compute", 0.01),
    ]
    decode = found["answer.decode"]
    assert (decode.driver, decode.model, decode.visits) == ("simulated", "llama3.1-8b", 3)
    # mean prompt of 3 turns: 1000 + (3 - 1) / 2 x (100 + (50 + 20) / 2)
    assert decode.demand == {"tokens_in": 1135, "tokens_out": 100, "bytes_out": 400}
    assert decode.inputs == ["answer.prefill"]
    assert found["answer.render"].inputs == ["first", "answer.parse", "search", "lookup"]


def test_a_measured_tool_has_no_parts_that_would_not_add_up() -> None:
    document = planned(agents.fanout_agent, pricing(rows=(row("search.call", "xeon_8480p", 0.5, 0.1),)))
    found = {operator.id: operator for operator in document.operators}["search"]
    assert (found.promised.mean_s, found.promised.source, found.parts) == (0.5, "profile", [])


def test_the_heading_and_what_was_promised() -> None:
    document = planned(agents.chain_agent, limit_s=2.0)
    # 1 + 2 + 3 ms on cores at 0.001 USD a second
    promised = document.promised
    assert (promised.latency_s, promised.latency_mean_s, promised.latency_worst_s) == pytest.approx((0.006,) * 3)
    assert promised.cost_usd == pytest.approx(6e-6)
    assert promised.critical_path == ["first", "second", "third"]
    assert (document.agent, document.cost_basis, document.choices) == ("chain_agent", "metered", {})
    assert document.sla == plan.PlanSla(stat="worst", limit_s=2.0)
    assert planned(agents.chain_agent).sla is None
    assert document.bound_usd <= promised.cost_usd
    assert 0 <= document.gap <= 1e-6
    assert (document.provenance, document.input_schema, document.output_schema) == (
        HEADING.provenance,
        {"type": "object"},
        {"type": "string"},
    )
