"""Agents whose calls share a prefix: pools, prices, solvers and the plan's operators."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.errors import CostError
from costmodel.fleet import Link
from costmodel.prefix import estimate_prefix, estimate_rest
from ir import view
from ir.sla import Sla
from orchestrator import agent, llm, when
from orchestrator.agent_function import AgentFunction
from orchestrator.pipeline import lower
from placement.brute_force import brute_force
from placement.from_ir import Lowered, from_ir
from placement.infeasible import InfeasibleError
from placement.pricing import Pricing
from placement.problem import Problem
from placement.solve import solve
from tests.placement.sample_agents import H100, cores, described, h100, pricing, row

CALL = {"tokens_in": 1000.0, "tokens_out": 100.0}


@llm(model="llama3.1-8b", prefix_tokens=800, tokens_in=1000, tokens_out=100, max_tokens=200)
def answer(question: str) -> str:
    """You answer."""
    return question


@agent
def twice(question: str) -> str:
    return answer(answer(question))


@agent
def mostly(question: str) -> str:
    return when(question == "a", lambda: answer(answer(question)), lambda: question, p=0.8)


def lowered(of: AgentFunction[..., Any], priced: Pricing) -> Lowered:
    return from_ir(view.entry(lower(of.trace())), priced, None)


def test_a_prefix_and_the_prefills_after_it_are_priced_by_what_they_compute() -> None:
    made = lowered(twice, pricing(cores(), h100()))
    names = [spec.id for spec in made.specs]
    assert names.count("answer.prefix_prefill") == 1
    prefix, rest = names.index("answer.prefix_prefill"), names.index("answer_2.prefill")
    model = made.pricing.models.model("llama3.1-8b")
    pools = [pool.id for pool in made.problem.pools]
    number = pools.index("h100_sxm/llama3.1-8b/tp1/fp16")
    first, after = (
        next(option for option in made.problem.operators[index].options if option.pool == number)
        for index in (prefix, rest)
    )
    assert first.latency_s == estimate_prefix(model, H100, 1, "fp16", prefix_tokens=800).latency_s
    assert after.latency_s == estimate_rest(model, H100, 1, "fp16", tokens_in=1000, prefix_tokens=800).latency_s
    assert (made.specs[prefix].tokens_in, made.specs[prefix].context_tokens) == (800, 800)
    assert (made.specs[rest].tokens_in, made.specs[rest].prefix_tokens) == (1000, 800)


def test_each_prefill_that_reads_a_prefix_is_in_its_pool() -> None:
    made = lowered(twice, pricing(cores(), h100()))
    prefix = [spec.phase for spec in made.specs].index("prefix_prefill")
    prefills = [index for index, spec in enumerate(made.specs) if spec.phase == "prefill"]
    assert len(prefills) == 6  # two calls, co-located, disaggregated and with their attention offloaded
    assert [group for group in made.problem.groups if prefix in group] == [(prefix, index) for index in prefills]


def test_a_measured_prefill_of_the_whole_does_not_price_one_after_a_prefix() -> None:
    rows = [row(f"answer.{phase}", "hp", 0.1, 0.1, **CALL) for phase in ("prefill", "decode")]
    why = r"hp: its profile measured 'answer.prefill' and not 'answer.prefix_prefill'. Remedy: give a profile row"
    with pytest.raises(CostError, match=why):
        lowered(twice, pricing(cores(1), described("hp"), rows=tuple(rows)))
    on_h100 = [row("answer.prefill", "h100_sxm", 0.1, 0.1, **CALL)]
    made = lowered(twice, pricing(cores(), h100(), rows=tuple(on_h100)))
    places = {made.problem.pools[row.pool].device for row in made.problem.operators[1].options}
    assert (made.specs[1].phase, places) == ("prefix_prefill", {"xeon_8480p"})


amounts = st.floats(0.01, 1.0)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Both agents on two classes with rows of any time and price, with and without links."""
    tasks = ("prefix_prefill", "prefill_after_prefix", "decode")
    sizes = {"prefix_prefill": {"tokens_in": 800.0}, "prefill_after_prefix": CALL, "decode": CALL}
    rows = [
        row(f"answer.{task}", device, draw(amounts), draw(amounts), **sizes[task])
        for device in ("hp", "co")
        for task in tasks
    ]
    links = [Link(a, b, 1e9, 0.001, 0.0) for a in ("hp", "co") for b in ("hp", "co")] if draw(st.booleans()) else []
    links += [Link(a, b, None, 0.0, 0.0) for a in ("hp", "co") for b in ("xeon_8480p",)]
    links += [Link(b, a, None, 0.0, 0.0) for a in ("hp", "co") for b in ("xeon_8480p",)]
    of = draw(st.sampled_from([twice, mostly]))
    made = lowered(of, pricing(cores(2), described("hp"), described("co"), links=tuple(links), rows=tuple(rows)))
    return replace(
        made.problem, sla=draw(st.none() | st.builds(Sla, st.sampled_from(["mean", "worst"]), st.floats(0.5, 3)))
    )


@settings(max_examples=40, deadline=None)
@given(problems())
def test_solve_finds_what_brute_force_finds(problem: Problem) -> None:
    best = brute_force(problem).best
    if best is None:
        with pytest.raises(InfeasibleError):
            solve(problem, gap=0.0)
        return
    assert solve(problem, gap=0.0).evaluation.objective_usd == pytest.approx(best[1].objective_usd, rel=1e-7)
