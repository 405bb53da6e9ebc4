"""Computes fused to one operator: their rows, their place in the plan, and the edges around them."""

import pytest

from costmodel.errors import CostError
from orchestrator import agent, compute, llm
from orchestrator.pipeline import PlanRequest, PlanResult, plan_agent
from placement.data_flow import EdgeSpec
from placement.operators import OperatorSpec, PriorTime
from placement.options import rows_of
from placement.structure import read_structure
from tests.placement.sample_agents import call_spec, cores, described, fleet, graph_op, h100, pricing, row


@compute(latency="100ms", cpu="40ms", cost_usd=0.001, tokens_out=10)
def split(text: str) -> list[str]:
    return text.split()


@compute(latency="300ms", cost_usd=0, tokens_out=50)
def tell(words: str, text: str) -> str:
    return f"{words} of {text}"


@llm(model="llama3.1-8b", tokens_in=1000, tokens_out=100, max_tokens=200)
def answer(question: str) -> str:
    return question


@agent
def teller(text: str) -> str:
    return answer(tell(split(text)[0], text))


def of(*functions: str, **changes: PriorTime) -> OperatorSpec:
    members = tuple(call_spec(name, **({"prior": changes[name]} if name in changes else {})) for name in functions)
    return call_spec(", ".join(functions), op="agent.fused", members=members, prior=PriorTime(None, None, None))


def test_times_and_costs_add_up_on_each_class() -> None:
    dear = cores(name="other_core", usd_per_hour=36.0)
    found = rows_of(of("one", "two", two=PriorTime(0.3, 0.3, 0.0)), pricing(cores(), h100(), dear)).rows
    # 0.1 + 0.3 s; 0.001 USD and 0.010 + 0.300 s busy at 0.001 or 0.01 USD a second
    assert [(each.pool.device, each.latency_s, each.cost_usd, each.source) for each in found] == [
        ("xeon_8480p", pytest.approx(0.4), pytest.approx(0.001 + 0.00031), "prior"),
        ("other_core", pytest.approx(0.4), pytest.approx(0.001 + 0.0031), "prior"),
    ]
    assert [each.parts_s for each in found] == [(0.1, 0.3), (0.1, 0.3)]


def test_a_measured_row_prices_its_own_function() -> None:
    (found,) = rows_of(of("one", "two"), pricing(cores(), rows=(row("two.call", "xeon_8480p", 0.25, 0.5),))).rows
    assert (found.latency_s, found.cost_usd) == pytest.approx((0.1 + 0.25, 0.001 + 0.00001 + 0.5))
    assert (found.source, found.parts_s, found.notes) == ("prior and profile", (0.1, 0.25), ("profile: test",))


def test_a_class_that_lacks_one_of_them_has_no_row() -> None:
    unpriced = {name: PriorTime(None, None, None) for name in ("one", "two")}
    both = (
        row("one.call", "core_a", 0.1, 0.0),
        row("one.call", "core_b", 0.1, 0.0),
        row("two.call", "core_b", 0.2, 0.0),
    )
    devices = (described("core_a", driver="cpu"), described("core_b", driver="cpu"))
    found = rows_of(of("one", "two", **unpriced), pricing(*devices, rows=both))
    assert [each.pool.device for each in found.rows] == ["core_b"]
    assert found.rejected == ("core_a: 'two' has no profile row, and no latency= and no cost_usd= in the decorator",)
    with pytest.raises(CostError) as error:
        rows_of(of("one", "two", **unpriced), pricing(*devices, rows=(both[0], both[2])))
    assert str(error.value) == (
        "no cost rule prices 'one, two' (agent.fused) on any device: core_a: 'two' has no profile row, and no latency= "
        "and no cost_usd= in the decorator; core_b: 'one' has no profile row, and no latency= and no cost_usd= in the "
        "decorator. Remedy: give each of them latency= and cost_usd= in its decorator, or profile rows of all on one "
        "class"
    )


def test_it_is_one_operator_with_the_edges_of_what_was_fused() -> None:
    structure = read_structure(graph_op(teller))
    assert [op.id.data for op in structure.operations][:2] == ["tell_fused", "answer_render"]
    assert structure.edges[0] == EdgeSpec(0, 1, "data", share=1.0, copies=1.0, is_internal=False)


@pytest.fixture(scope="module")
def result() -> PlanResult:
    found = plan_agent(teller.trace(), fleet(cores(), h100()), PlanRequest())
    assert found.plan is not None
    return found


def test_the_plan_has_one_operator_with_the_functions_as_parts(result: PlanResult) -> None:
    assert result.plan is not None
    fused = result.plan.operators[0]
    assert (fused.id, fused.name, fused.op, fused.function) == ("tell_fused", "split, tell", "agent.fused", None)
    assert (fused.promised.mean_s, fused.promised.cost_usd) == pytest.approx((0.4, 0.001 + 0.04e-3 + 0.3e-3))
    assert [(part.op, part.latency_s) for part in fused.parts] == [("agent.compute", 0.1), ("agent.compute", 0.3)]
    assert [(call.id, call.name, call.inputs) for call in fused.calls] == [
        ("split", "split", {"text": "text"}),
        ("tell", "tell", {"words": "split[0]", "text": "text"}),
    ]
    assert [function.qualname for function in fused.functions] == ["split", "tell"]
    assert (fused.timeout_s, fused.retries, fused.idempotent) == (None, 0, True)
    # 50 tokens of 4 bytes: what the last one gives
    assert fused.demand["bytes_out"] == 200


def test_the_node_has_the_name_of_the_last_value_and_reads_what_is_around(result: PlanResult) -> None:
    assert result.plan is not None
    node, render = result.plan.body.nodes[:2]
    assert node.model_dump() == {
        "kind": "op",
        "id": "tell",
        "operator": "tell_fused",
        "inputs": {"text": "text"},
        "rest": None,
        "streams": {},
    }
    assert render.model_dump()["inputs"] == {"question": "tell"}
    assert result.plan.operators[1].inputs == ["tell_fused"]
