"""Turns of a react that go on from the KV of the turn before: rows, memory, profiles and the plan's operators."""

from dataclasses import replace

import pytest

from costmodel.catalog import load_catalog
from costmodel.fleet import Fleet
from costmodel.llm import kv_bytes, weight_bytes
from costmodel.memory import MARGIN
from costmodel.models import load_models
from costmodel.turns import Turns, estimate_turn
from ir import view
from orchestrator.pipeline import PlanRequest, lower, plan_agent
from placement.from_ir import Lowered, from_ir
from placement.options import rows_of
from placement.pricing import Pricing
from tests.placement.sample_agents import H100, cores, fleet, h100, llm_spec, pricing, react_agent, row

LLAMA = load_models().model("llama3.1-8b")
TURNS = Turns(expect=3, tool_tokens=35)
"""Of `react_agent`: 3 turns, and tools that say 50 and 20 tokens."""


def lowered(priced: Pricing) -> Lowered:
    return from_ir(view.entry(lower(react_agent.trace())), priced, None)


def place(made: Lowered, name: str) -> int:
    return next(index for index, each in enumerate(made.problem.operators) if each.id == name)


def test_a_turn_is_priced_by_what_is_new_on_average() -> None:
    made = lowered(pricing(cores(), h100()))
    prefill, decode = (place(made, f"answer.{phase} (continued)") for phase in ("prefill", "decode"))
    assert made.specs[prefill].turns == TURNS
    pool = [pool.id for pool in made.problem.pools].index("h100_sxm/llama3.1-8b/tp1/fp16")
    (option,) = (each for each in made.problem.operators[prefill].options if each.pool == pool)
    # 1000 tokens at first, 100 + 35 more a turn: 1135 on average
    assert option.latency_s == estimate_turn(LLAMA, H100, 1, "fp16", TURNS, tokens_in=1135, tokens_out=100).latency_s
    assert (prefill, decode) in made.problem.groups


def test_the_plan_says_that_turns_continue() -> None:
    plan = plan_agent(react_agent.trace(), fleet(cores(), h100()), PlanRequest(calibration="none")).plan
    assert plan is not None
    assert plan.choices == {"answer_choice": "continued"}
    assert [each.id for each in plan.operators if each.continues] == ["answer.prefill"]
    (pool,) = (each for each in plan.pools if each.model)
    assert pool.replicas == 1
    (notes,) = (each.promised.notes for each in plan.operators if each.continues)
    assert any("stays while tools work, which costs nothing here" in note for note in notes)


@pytest.mark.parametrize(("batch", "room", "fits"), [(1, 2, True), (1, 1, False), (8, 16, True), (8, 15, False)])
def test_memory_holds_as_many_calls_that_wait_for_tools(batch: int, room: int, fits: bool) -> None:
    # Room for the weights and so many contexts of 50,000 tokens, and a token's KV for the rounding.
    size_bytes = weight_bytes(LLAMA, "fp16") + room * kv_bytes(LLAMA, 50_000) + 131_072
    device = replace(H100, mem_bytes=size_bytes / MARGIN)
    small = Pricing(fleet(replace(h100(count=1), device=device)), load_models(), batch=batch)
    spec = llm_spec("prefill", context_tokens=50_000.0, turns=TURNS)
    assert bool(rows_of(spec, small).rows) == fits
    assert rows_of(replace(spec, turns=None), small).rows


def test_a_measured_prefill_does_not_price_one_of_turns() -> None:
    size = {"tokens_in": 1135.0, "tokens_out": 100.0}
    rows = [row(f"answer.{phase}", "h100_sxm", 0.1, 0.1, **size) for phase in ("prefill", "decode")]
    made = lowered(pricing(cores(), h100(), rows=tuple(rows)))
    operator = made.problem.operators[place(made, "answer.prefill (continued)")]
    assert {made.problem.pools[each.pool].device for each in operator.options} == {"xeon_8480p"}
    assert any("measured 'answer.prefill' and not 'answer.prefill_of_turns'" in each for each in operator.rejected)
    measured = (*rows, row("answer.prefill_of_turns", "h100_sxm", 0.04, 0.04, **size))
    made = lowered(pricing(cores(), h100(), rows=measured))
    operator = made.problem.operators[place(made, "answer.prefill (continued)")]
    assert [each.latency_s for each in operator.options if each.source == "profile"] == [0.04]


def test_spyre_offers_none() -> None:
    spyre = replace(h100(), id="spyre_1_0", device=load_catalog("default").device("spyre_1_0"))
    on: Fleet = fleet(cores(), spyre)
    made = from_ir(view.entry(lower(react_agent.trace())), Pricing(on, load_models()), None)
    operator = made.problem.operators[place(made, "answer.prefill (continued)")]
    assert {made.problem.pools[each.pool].device for each in operator.options} == {"xeon_8480p"}
    assert any("no rule says that spyre_1_0 keeps KV between calls" in each for each in operator.rejected)
