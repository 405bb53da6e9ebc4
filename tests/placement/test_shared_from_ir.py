import math
from dataclasses import replace

import pytest

from costmodel.errors import CostError, FleetError
from ir.sla import Sla
from orchestrator.agent_function import AgentFunction
from placement.load import AgentDemand, DataRule, Load, StatedCount, StatedLimits, StatedTokens
from placement.pricing import Pricing
from placement.shared_from_ir import AgentIr, SharedLowered, shared_from_ir
from placement.shared_problem import Budget, Level
from tests.placement.sample_agents import (
    answer_agent,
    cores,
    described,
    graph_op,
    h100,
    nested_agent,
    pricing,
    react_agent,
    speech_agent,
)

TOKENS = StatedTokens(StatedCount(cv=0.5), StatedCount(cv=0.5))


def demand(agent: AgentFunction[..., object], rate_per_s: float = 1.0, **rules: object) -> AgentDemand:
    tokens = {} if agent is speech_agent else {"answer": TOKENS}
    return replace(AgentDemand(agent.__name__, rate_per_s, tokens=tokens), **rules)  # pyright: ignore[reportArgumentType]


def built(
    *agents: tuple[AgentFunction[..., object], AgentDemand], prices: Pricing | None = None, **load: object
) -> SharedLowered:
    irs = [AgentIr(graph_op(agent), asked) for agent, asked in agents]
    whole = replace(Load("test", tuple(each.demand for each in irs)), **load)  # pyright: ignore[reportArgumentType]
    return shared_from_ir(irs, prices or pricing(cores(), h100(8)), whole)


def levels_of(shared: SharedLowered, agent: int, operator: int) -> list[Level]:
    options = shared.problem.agents[agent].problem.operators[operator].options
    return [shared.problem.levels[option.pool] for option in options]


def test_options_are_levels_and_services_are_theirs() -> None:
    shared = built((answer_agent, demand(answer_agent)))
    (agent,) = shared.problem.agents
    assert agent.problem.pools == tuple(level.pool for level in shared.problem.levels)
    assert len({level.pool.id for level in shared.problem.levels}) == len(shared.problem.levels)
    assert agent.problem.capacities == ()
    assert [row.count for row in shared.problem.capacities] == [8, 8]
    for operator, services in zip(agent.problem.operators, agent.services, strict=True):
        is_open = "(attention_offload)" not in operator.id  # a part of a model has no pool
        assert len(services) == len(operator.options)
        assert bool(operator.options) == is_open
        for option, service in zip(operator.options, services, strict=True):
            level = shared.problem.levels[option.pool]
            assert option.latency_s == service.slot_s + service.outside_s
            assert option.batch == level.slots
            assert option.device_s == pytest.approx(level.pool.tp * service.slot_s / level.slots)


def test_the_load_of_a_level_by_hand() -> None:
    shared = built((nested_agent, demand(nested_agent, rate_per_s=3.0)))
    (agent,) = shared.problem.agents
    operators = [each for each in agent.problem.operators if each.id.endswith("first")]
    first = agent.problem.operators.index(operators[0])
    # `first` takes 1 ms on a core and stands twice in a run (the same call is made once): 3/s x 2 x 0.001 s busy cores
    assert sum(each.visits for each in operators) == 2
    busy = sum(agent.rate_per_s * each.visits * agent.services[first][0].slot_s for each in operators)
    assert busy == pytest.approx(0.006)
    assert levels_of(shared, 0, first)[0].slots == 1


def test_two_agents_share_levels_and_tenants_do_not() -> None:
    both = (answer_agent, demand(answer_agent)), (react_agent, demand(react_agent))
    shared = built(*both)
    one, other = ({level.pool.id for level in levels_of(shared, index, 0)} for index in (0, 1))
    assert one == other != set()
    apart = built(both[0], (react_agent, demand(react_agent, tenant="acme")))
    ours, theirs = ({level.pool.id for level in levels_of(apart, index, 0)} for index in (0, 1))
    assert ours & theirs == set()
    assert {level.tenant for level in levels_of(apart, 1, 0)} == {"acme"}
    assert {level.tenant for level in levels_of(apart, 0, 0)} == {None}


def test_prefill_and_decode_of_a_group_meet_at_the_same_levels() -> None:
    shared = built((answer_agent, demand(answer_agent)))
    (agent,) = shared.problem.agents
    for group in agent.problem.groups:
        offered = [{option.pool for option in agent.problem.operators[member].options} for member in group]
        assert offered[0] == offered[1]


def test_rules_delete_options_and_keep_the_reason() -> None:
    rules = demand(answer_agent, pins={"answer": "xeon_8480p"})
    (agent,) = built((answer_agent, rules)).problem.agents
    decode = next(each for each in agent.problem.operators if each.id.startswith("answer.decode"))
    assert {agent.problem.pools[option.pool].device for option in decode.options} == {"xeon_8480p"}
    assert "h100_sxm/llama3.1-8b/tp1/fp16/serve/b16: pinned to xeon_8480p" in decode.rejected


def test_data_that_stays_at_a_site_has_no_options_elsewhere() -> None:
    prices = pricing(cores(), h100(8, site="cloud"))
    rules = demand(answer_agent, data=DataRule("dc"))
    (agent,) = built((answer_agent, rules), prices=prices).problem.agents
    assert {agent.problem.pools[o.pool].site for each in agent.problem.operators for o in each.options} == {"dc"}


def test_limits_on_tokens_delete_levels() -> None:
    tight = StatedLimits(token_time_s=0.012)
    rules = demand(answer_agent, limits={"answer": tight})
    shared = built((answer_agent, rules))
    (agent,) = shared.problem.agents
    decode = next(i for i, each in enumerate(agent.problem.operators) if each.id.startswith("answer.decode"))
    # 100 tokens within 0.012 s each, at 1.25 times the predicted time
    assert all(1.25 * service.slot_s / 100 <= 0.012 for service in agent.services[decode])
    assert any("a token takes" in reason for reason in agent.problem.operators[decode].rejected)
    first = StatedLimits(ttft=Sla("p95", 0.1))
    (agent,) = built((answer_agent, demand(answer_agent, limits={"answer": first}))).problem.agents
    prefill = next(i for i, each in enumerate(agent.problem.operators) if each.id.startswith("answer.prefill"))
    assert any("the first token's limit is p95 <= 100 ms" in why for why in agent.problem.operators[prefill].rejected)


def test_what_the_load_says_reaches_the_problem() -> None:
    asked = demand(answer_agent, rate_per_s=2.0, arrival_cv2=3.0, sla=Sla("p95", 5.0), tenant="acme")
    shared = built((answer_agent, asked), budget=Budget(usd_per_hour=9.0), margin=1.5)
    (agent,) = shared.problem.agents
    assert (agent.rate_per_s, agent.arrival_cv2, agent.tenant, agent.problem.sla) == (2.0, 3.0, "acme", Sla("p95", 5.0))
    assert (shared.problem.budget, shared.problem.margin) == (Budget(usd_per_hour=9.0), 1.5)


def test_a_budget_of_watts_needs_classes_whose_power_is_known() -> None:
    prices = pricing(cores(), h100(8), described("hp", usd_per_hour=1.0))
    built((answer_agent, demand(answer_agent)), prices=prices, budget=Budget(watts=1e6))  # nothing can run on hp
    named = Pricing(replace(prices.fleet, classes=(replace(cores(), device=None), h100(8))), prices.models)
    with pytest.raises((FleetError, CostError)):
        built((answer_agent, demand(answer_agent)), prices=named, budget=Budget(watts=1e6))


def test_options_are_few() -> None:
    (agent,) = built((react_agent, demand(react_agent))).problem.agents
    assert max(len(each.options) for each in agent.problem.operators) <= 30


def test_every_amount_is_finite() -> None:
    shared = built((speech_agent, demand(speech_agent)))
    assert all(
        math.isfinite(level.usd_per_hour + level.watts + level.gco2e_per_hour) for level in shared.problem.levels
    )
