import math
from dataclasses import replace

import pytest

from costmodel.errors import CatalogError, CostError, FleetError
from costmodel.fleet import Link
from costmodel.profile import ProfileRow
from ir.sla import Sla
from orchestrator import agent, compute, llm, when
from orchestrator.agent_function import AgentFunction
from placement.evaluate import evaluate
from placement.from_ir import Lowered, from_ir
from placement.pricing import Pricing
from placement.problem import DeviceCapacity, Placement, Problem, Transfer
from placement.solve import solve
from tests.placement import sample_agents as agents
from tests.placement.sample_agents import cores, described, first, graph_op, h100, pricing, row, second, transcribe


@compute(latency="1ms")
def priceless(text: str) -> str:
    return text


@llm(model="llama9", tokens_in=10, tokens_out=10, max_tokens=10)
def unknown_model(text: str) -> str:
    return text


@agent
def priceless_agent(text: str) -> str:
    return priceless(text)


@agent
def unknown_model_agent(text: str) -> str:
    return unknown_model(text)


@agent
def rare_speech_agent(recording: str) -> str:
    """Speech is heard in a tenth of the runs, on a device of its own."""
    return second(when(first(recording), lambda: transcribe(recording), lambda: first(recording), p=0.1))


CORES = described("cpu", usd_per_hour=0.0, driver="cpu")
HP, CO = described("hp", usd_per_hour=0.0), described("co", usd_per_hour=0.0)
UP = Link("cpu", "h100_sxm", None, 0.001, 0.0)
DOWN = Link("h100_sxm", "cpu", 1e6, 0.001, 1e-6)


def lowered(of: AgentFunction[..., object], priced: Pricing | None = None, sla: Sla | None = None) -> Lowered:
    return from_ir(graph_op(of), priced or pricing(), sla)


def hp_co(*links: Link) -> Pricing:
    """The paper's worked example as rows, with links to and from the cores that take no time."""
    near = tuple(Link(a, b, None, 0.0, 0.0) for pair in (("cpu", "hp"), ("cpu", "co")) for a, b in (pair, pair[::-1]))
    rows: tuple[ProfileRow, ...] = (
        row("answer.render", "cpu", 0.0),
        row("answer.parse", "cpu", 0.0),
        row("answer.prefill", "hp", 0.080, 0.08),
        row("answer.prefill", "co", 0.130, 0.05),
        row("answer.decode", "hp", 0.025, 0.03),
        row("answer.decode", "co", 0.030, 0.01),
        row("answer.kv_transfer", "hp->co", 0.010, 0.005),
    )
    return pricing(CORES, HP, CO, links=near + links, rows=rows)


def test_operators_pools_and_capacities() -> None:
    problem = lowered(agents.answer_agent, pricing(cores(4), h100(1)), Sla("p95", 2.0)).problem
    assert [operator.id for operator in problem.operators] == [
        "first",
        "answer.render",
        "answer.prefill (colocated)",
        "answer.decode (colocated)",
        "answer.prefill (disaggregated)",
        "answer.decode (disaggregated)",
        "answer.prefill (attention_offload)",
        "answer.decode_attention (attention_offload)",
        "answer.decode_linear (attention_offload)",
        "answer.parse",
    ]
    assert problem.capacities == (DeviceCapacity("xeon_8480p", 4), DeviceCapacity("h100_sxm", 1))
    assert (problem.name, problem.choices, problem.groups) == (
        "answer_agent",
        (("colocated", "disaggregated", "attention_offload"),),
        ((2, 3),),
    )
    assert problem.sla == Sla("p95", 2.0)
    assert len(set(problem.pools)) == len(problem.pools)
    used = {option.pool for operator in problem.operators for option in operator.options}
    assert used == set(range(len(problem.pools)))
    # all alternatives of a part have the same rows, in the same pools
    assert problem.operators[2].options == problem.operators[4].options == problem.operators[6].options != ()


def test_edges_know_their_size_visits_and_moves() -> None:
    problem = lowered(agents.answer_agent, hp_co(Link("hp", "co", 1e9, 0.0, 0.0))).problem
    ids = [operator.id for operator in problem.operators]
    found = {(ids[edge.src], ids[edge.dst]): edge for edge in problem.edges}
    assert [(*pair, edge.by, edge.size_bytes) for pair, edge in found.items()] == [
        ("first", "answer.render", "place", 4096),
        ("answer.render", "answer.prefill (colocated)", "place", 4000),
        ("answer.render", "answer.prefill (disaggregated)", "place", 4000),
        ("answer.prefill (disaggregated)", "answer.decode (disaggregated)", "kv_place", 1000 * 131072),
        ("answer.render", "answer.prefill (attention_offload)", "place", 4000),
        (
            "answer.prefill (attention_offload)",
            "answer.decode_attention (attention_offload)",
            "kv_place",
            1000 * 131072,
        ),
        ("answer.prefill (attention_offload)", "answer.decode_linear (attention_offload)", "place", 4),
        (
            "answer.decode_attention (attention_offload)",
            "answer.decode_linear (attention_offload)",
            "kv_place",
            100 * 655_360,
        ),
        ("answer.decode (colocated)", "answer.parse", "place", 400),
        ("answer.decode (disaggregated)", "answer.parse", "place", 400),
        ("answer.decode_linear (attention_offload)", "answer.parse", "place", 400),
    ]
    kv = found["answer.prefill (disaggregated)", "answer.decode (disaggregated)"]
    # a measured transfer, and no other: not back, and not between two pools of one class
    assert kv.table == {("hp/llama3.1-8b", "co/llama3.1-8b"): Transfer(0.010, 0.005)}
    assert {edge.visits for edge in problem.edges} == {1.0}


@pytest.mark.parametrize(
    ("limit_s", "latency_s", "cost_usd", "alternative"),
    [(0.120, 0.120, 0.095, 1), (0.110, 0.105, 0.11, 0), (1.0, 0.160, 0.06, 0)],
)
def test_the_papers_worked_example(limit_s: float, latency_s: float, cost_usd: float, alternative: int) -> None:
    # 80 + 10 + 30 ms, 0.08 + 0.005 + 0.01; 80 + 25, 0.08 + 0.03; 130 + 30, 0.05 + 0.01; and 1 ms of `first`, free
    solution = solve(lowered(agents.answer_agent, hp_co(), Sla("worst", limit_s + 0.001)).problem)
    assert solution.evaluation.latency_s == pytest.approx(latency_s + 0.001, rel=1e-12)
    assert solution.evaluation.cost_usd == pytest.approx(cost_usd, rel=1e-12)
    assert solution.placement.alternative == (alternative,)


def whole(problem: Problem) -> Placement:
    """The first row of each operator, where the first alternative of the only choice is taken."""
    return Placement(tuple(None if "(split)" in each.id else 0 for each in problem.operators), (0,))


def test_a_transfer_out_of_a_branch_is_paid_for_as_often_as_the_branch_runs() -> None:
    rows = (row("transcribe.run", "h100_sxm", 1.0, 0.5),)
    problem = lowered(rare_speech_agent, pricing(CORES, h100(), links=(UP, DOWN), rows=rows)).problem
    # a measured run has one row, and its parts, which are not measured, have none
    assert {operator.id: len(operator.options) for operator in problem.operators} == dict.fromkeys(
        ("first", "transcribe (whole)", "second"), 1
    ) | dict.fromkeys(("transcribe.encode (split)", "transcribe.decode_encoded (split)"), 0)
    found = evaluate(problem, whole(problem))
    # a tenth of the runs pay 0.5 and move 4096 bytes down at 1e-6 each; all else is free
    assert found.cost_usd == pytest.approx(0.1 * 0.5 + 0.1 * 4096e-6)
    # worst: 1 ms, then 1 s of speech, then 1 ms and 4096 bytes at 1 MB/s down, then 2 ms
    assert found.latency_worst_s == pytest.approx(0.001 + 1.0 + 0.001 + 0.004096 + 0.002)
    # mean: the other branch reads what is there already; the way down is waited for in any case (an upper bound)
    assert found.latency_mean_s == pytest.approx(0.001 + 0.1 * 1.0 + 0.005096 + 0.002)


def test_a_pair_without_a_link_cannot_be_chosen() -> None:
    rows = (row("transcribe.run", "h100_sxm", 1.0, 0.5),)
    problem = lowered(rare_speech_agent, pricing(CORES, h100(), links=(UP,), rows=rows)).problem
    found = evaluate(problem, whole(problem))
    assert [violation.kind for violation in found.violations] == ["transfer"]


def test_measured_token_counts_size_every_part() -> None:
    rows = (row("answer.decode", "h100_sxm", 1.0, 0.5, tokens_in=2000, tokens_out=100),)
    found = lowered(agents.answer_agent, pricing(rows=rows))
    prefill = next(spec for spec in found.specs if spec.id == "answer.prefill")
    assert prefill.tokens_in == 2000
    notes = {note for operator in found.problem.operators for option in operator.options for note in option.notes}
    assert "tokens_in=2000 as measured, not 1000 as expected" in notes


def test_a_react_of_one_turn_is_a_whole_problem() -> None:
    found = solve(lowered(agents.single_turn_agent).problem)
    visits = {o.id: o.visits for o in lowered(agents.single_turn_agent).problem.operators}
    assert visits["search"] == 0.0
    assert math.isfinite(found.evaluation.latency_worst_s)


@pytest.mark.parametrize(
    ("of", "error", "message"),
    [
        (priceless_agent, CostError, r"'priceless' .*no cost_usd= in the decorator.*task 'priceless.call'"),
        (unknown_model_agent, CatalogError, r"'unknown_model': no model in the catalog: 'llama9'"),
        (agents.unknown_branch_agent, CostError, r"states no p; give p="),
    ],
)
def test_what_cannot_be_priced_is_refused(of: AgentFunction[..., object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        lowered(of)


def test_fleets_that_cannot_be_planned_for_are_refused() -> None:
    priced = pricing()
    provisioned = replace(priced, fleet=replace(priced.fleet, cost_basis="provisioned"))
    with pytest.raises(FleetError, match="cost_basis: provisioned"):
        lowered(agents.chain_agent, provisioned)
