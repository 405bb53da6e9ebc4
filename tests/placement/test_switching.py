import random
from dataclasses import replace

import pytest

from placement.held import held_at_most
from placement.problem import Block, OpNode, Placement
from placement.shared_evaluate import judge_shared
from placement.shared_problem import AgentLoad, Level, Loading, Service, SharedPlacement, SharedProblem
from placement.switching import at_most, switched
from tests.placement.shared_problems import agent, level, op, shared


def user(levels: tuple[Level, ...], name: str, rate: float, *models: str, load_s: float = 2.0) -> AgentLoad:
    """An agent that calls these models one after another, 1 s each, on a level where they take turns."""
    operators = [op(f"{name}-{model}", (0, 1.0, 0.5)) for model in models]
    root = Block(tuple(OpNode(i) for i in range(len(models))), tuple((i - 1,) if i else () for i in range(len(models))))
    one = agent(levels, root, *operators, rate=rate, name=name)
    rows = zip(one.services, models, strict=True)
    return replace(one, services=tuple((replace(row[0], loading=Loading(model, load_s)),) for row, model in rows))


def problem(*users: tuple[str, float, tuple[str, ...]], margin: float = 1.0) -> SharedProblem:
    levels = (level("gpu", cap=1.0),)
    return shared(levels, *(user(levels, name, rate, *models) for name, rate, models in users), margin=margin)


def placed(of: SharedProblem) -> SharedPlacement:
    return SharedPlacement(tuple(Placement((0,) * len(each.services), ()) for each in of.agents), (1,))


def test_a_call_finds_another_model_as_often_as_others_come() -> None:
    of = problem(("a", 0.03, ("m1",)), ("b", 0.01, ("m2",)))
    found = judge_shared(of, placed(of))
    # p = 3/4 and 1/4: calls of m1 switch with 1/4, those of m2 with 3/4; of all 1 - (9 + 1) / 16 = 0.375, 2 s each
    assert found.levels[0].switches.share == pytest.approx(0.375)
    assert found.levels[0].switches.seconds == pytest.approx(2.0)
    # busy: 0.03 x (1 + 0.25 x 2) + 0.01 x (1 + 0.75 x 2) = 0.045 + 0.025
    assert found.levels[0].busy_slots == pytest.approx(0.07)
    waited = found.agents[0].waiting_s[0]
    assert found.agents[0].latency_mean_s == pytest.approx(1.5 + waited)


def test_a_load_takes_the_margin_too() -> None:
    of = problem(("a", 0.03, ("m1",)), ("b", 0.01, ("m2",)), margin=1.5)
    found = judge_shared(of, placed(of)).levels[0]
    assert found.switches.seconds == pytest.approx(3.0)
    assert found.busy_slots == pytest.approx(1.5 * 0.07)


def test_mean_and_variance_of_a_load_that_comes_or_does_not() -> None:
    found = switched(Service(1.0, 0.5, loading=Loading("m", 2.0)), 0.25)
    # 1 + 0.25 x 2 s; 0.5^2 + 2^2 x 0.25 x 0.75 = 0.25 + 0.75 = 1
    assert (found.slot_s, found.sd_s) == (pytest.approx(1.5), pytest.approx(1.0))
    assert switched(Service(1.0, 0.5), 0.25) == Service(1.0, 0.5)


def test_an_agent_that_uses_several_models_switches_at_every_call() -> None:
    of = problem(("a", 0.01, ("m1", "m2")))
    assert judge_shared(of, placed(of)).levels[0].switches.share == 1.0


def test_one_model_alone_never_switches() -> None:
    of = problem(("a", 0.03, ("m1",)), ("b", 0.01, ("m1",)))
    found = judge_shared(of, placed(of)).levels[0]
    assert found.switches.share == 0.0
    assert found.busy_slots == pytest.approx(0.04)


def test_tokens_continue_a_call_and_are_no_calls_of_their_own() -> None:
    of = problem(("a", 0.03, ("m1", "m1")), ("b", 0.01, ("m2",)))
    first, second = of.agents[0].services
    loading = second[0].loading
    assert loading is not None
    tokens = (replace(second[0], loading=replace(loading, continues=True)),)
    of = replace(of, agents=(replace(of.agents[0], services=(first, tokens)), of.agents[1]))
    found = judge_shared(of, placed(of)).levels[0]
    # prompts 0.03 of m1 and 0.01 of m2: 1/4 of prompts and of tokens of m1 switch, 3/4 of m2's calls
    assert found.switches.share == pytest.approx((0.03 * 0.25 + 0.03 * 0.25 + 0.01 * 0.75) / 0.07)


def test_the_bound_for_linear_programs_is_never_below_what_comes() -> None:
    of = problem(("a", 0.03, ("m1",)), ("b", 0.01, ("m2",)), ("c", 0.02, ("m1",)))
    # a call of `a` at worst meets only m2's 0.01 beside its own 0.03, one of `b` 0.05 of m1, one of `c` 0.01 of m2
    worst = {(0, 0, 0): 0.01 / 0.04, (1, 0, 0): 0.05 / 0.06, (2, 0, 0): 0.01 / 0.03}
    assert at_most(of.agents) == pytest.approx(worst)
    judged = judge_shared(of, placed(of)).levels[0]
    rows = held_at_most(of.agents, 1.0)
    busy = sum(each.rate_per_s * one[0][0].slot_s for each, one in zip(of.agents, rows, strict=True))
    assert judged.busy_slots <= busy


def test_a_simulated_device_switches_as_often_as_the_formula_says() -> None:
    generator, before, loads, calls = random.Random(1), "", {"m1": 0, "m2": 0, "m3": 0}, {"m1": 0, "m2": 0, "m3": 0}
    rates = {"m1": 0.05, "m2": 0.03, "m3": 0.02}
    arrivals: list[tuple[float, str]] = []
    for model, rate in rates.items():
        now = 0.0
        while (now := now + generator.expovariate(rate)) < 300_000:
            arrivals.append((now, model))
    for _, model in sorted(arrivals):  # one server, first come first served: the order is that of arrival
        calls[model] += 1
        loads[model] += model != before
        before = model
    for model, rate in rates.items():
        assert loads[model] / calls[model] == pytest.approx(1 - rate / 0.1, rel=0.03)
    # 1 - (0.25 + 0.09 + 0.04) = 0.62
    assert sum(loads.values()) / sum(calls.values()) == pytest.approx(0.62, rel=0.03)


def test_only_a_level_of_one_slot_switches() -> None:
    levels = (level("gpu", slots=2, cap=1.0),)
    of = shared(levels, user(levels, "a", 0.1, "m1"))
    with pytest.raises(ValueError, match="models take turns on a level of 2 slots"):
        judge_shared(of, placed(of))
