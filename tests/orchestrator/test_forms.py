from dataclasses import replace

import pytest

from costmodel.fleet import Link
from ir.sla import Sla
from orchestrator import agent, llm
from orchestrator.pipeline import PlanRequest, PlanResult, plan_agent
from tests.placement.sample_agents import cores, described, fleet, h100, row


@llm(model="llama3.1-8b", prefix_tokens=4000, tokens_in=4400, tokens_out=20, max_tokens=30)
def long(text: str) -> str:
    """You answer by many rules."""
    return text


@llm(model="llama3.1-8b", prefix_tokens=20, tokens_in=120, tokens_out=20, max_tokens=30)
def short(text: str) -> str:
    """You answer by few rules."""
    return text


@agent
def long_twice(text: str) -> list[str]:
    return [long(text), long("again")]


@agent
def short_twice(text: str) -> list[str]:
    return [short(text), short("again")]


def operators(result: PlanResult) -> list[str]:
    assert result.plan is not None
    return [operator.id for operator in result.plan.operators if operator.op.startswith("llm.pre")]


def test_a_long_prefix_is_shared() -> None:
    result = plan_agent(long_twice.trace(), fleet(cores(), h100()), PlanRequest())
    assert operators(result) == ["long.prefix_prefill", "long.prefill", "long_2.prefill"]
    assert result.plan is not None
    (node,) = (node for node in result.plan.body.nodes if node.id == "long_2_prefill")
    assert node.model_dump()["inputs"] == {"prompt": "long_2_render", "prefix": "long_prefix"}
    assert "calls share the KV of their prefixes: shared, a run costs" in result.findings[-1]


def test_a_prefix_that_costs_more_to_share_is_not_shared() -> None:
    # 20 tokens less save nothing where reading the weights takes longer than computing 120: one more step is lost
    result = plan_agent(short_twice.trace(), fleet(cores(), h100()), PlanRequest())
    assert operators(result) == ["short.prefill", "short_2.prefill"]
    assert "calls do not share their prefixes' KV: shared, a run costs" in result.findings[-1]
    assert result.solution is not None
    assert result.plan is not None
    assert result.solution.bound_usd == result.plan.bound_usd
    assert result.solution.gap == pytest.approx(0.0, abs=1e-6)


def test_what_nothing_prices_is_planned_alone() -> None:
    call = {"tokens_in": 4400.0, "tokens_out": 20.0}
    rows = tuple(row(f"long.{phase}", "hp", 0.1, 0.1, **call) for phase in ("prefill", "decode"))
    links = tuple(Link(a, b, None, 0.0, 0.0) for a, b in (("xeon_8480p", "hp"), ("hp", "xeon_8480p")))
    result = plan_agent(long_twice.trace(), fleet(cores(1), described("hp"), links=links, rows=rows), PlanRequest())
    assert operators(result) == ["long.prefill", "long_2.prefill"]
    assert result.findings[-1].startswith("no prefix is shared: no cost rule prices 'long.prefix_prefill'")


def test_where_no_form_keeps_the_limit_the_closer_one_is_told() -> None:
    request = PlanRequest(sla=Sla("worst", 0.001))
    result = plan_agent(long_twice.trace(), fleet(cores(), h100()), request)
    assert result.infeasible is not None
    loose = replace(request, sla=Sla("worst", result.infeasible.value * 1.001))
    assert plan_agent(long_twice.trace(), fleet(cores(), h100()), loose).feasible
