from dataclasses import replace

from ir.sla import Sla
from placement.asked import ASSUMED, asked_of, assumptions, call_limits
from placement.load import AgentDemand, StatedCount, StatedLimits, StatedTokens
from placement.shared_problem import CallLimit
from placement.specs_from_ir import read_specs
from placement.structure import read_structure
from placement.ways import Asked
from tests.placement.sample_agents import answer_agent, graph_op, react_agent


def asked(agent: object, demand: AgentDemand) -> tuple[Asked, ...]:
    structure = read_structure(graph_op(agent))  # pyright: ignore[reportArgumentType]
    return asked_of(read_specs(structure.operations), structure, demand)


def test_what_is_together_is_served_together_and_what_is_apart_is_not() -> None:
    found = asked(answer_agent, AgentDemand("answer_agent", 1.0))
    assert [(each.spec.id, each.phase) for each in found] == [
        ("first", "functions"),
        ("answer.render", "functions"),
        ("answer.prefill", "serve"),
        ("answer.decode", "serve"),
        ("answer.prefill", "prefill"),
        ("answer.decode", "decode"),
        ("answer.prefill", "prefill"),
        ("answer.decode_attention", "part"),
        ("answer.decode_linear", "part"),
        ("answer.parse", "functions"),
    ]


def test_turns_go_on_from_one_another_in_pools_of_their_own_where_that_is_asked() -> None:
    structure = read_structure(graph_op(react_agent))
    specs, demand = read_specs(structure.operations), AgentDemand("react_agent", 1.0)
    plain, kept = (asked_of(specs, structure, demand, keeps_turns=each) for each in (False, True))
    changed = [(one.spec.id, one.phase, other.phase) for one, other in zip(plain, kept, strict=True) if one != other]
    assert changed == [("answer.prefill", "part", "keep"), ("answer.decode", "serve", "keep")]
    assert {each.kept.turns.expect for each in kept if each.kept is not None} == {3}


def test_an_unstated_spread_is_that_of_a_public_trace_and_is_told() -> None:
    found = asked(answer_agent, AgentDemand("answer_agent", 1.0))
    (basis,) = {each.tokens_out.basis for each in found if each.tokens_out is not None}
    assert basis == ASSUMED
    told, _ = assumptions(found)
    assert told.startswith("token counts of answer spread as in the Azure conversation trace of 2023")


def test_a_stated_spread_and_mean_replace_the_agents() -> None:
    stated = StatedTokens(StatedCount(mean=400, p95=600), StatedCount(cv=0.0))
    found = asked(answer_agent, AgentDemand("answer_agent", 1.0, tokens={"answer": stated}))
    prefill = found[2]
    assert prefill.tokens_in is not None
    assert (prefill.spec.tokens_in, prefill.tokens_in.p95) == (400, 600)
    # the p95 prompt of 600 and an answer of 100 that never varies
    assert prefill.context_tokens == 700
    assert list(assumptions(found)) == ["prompts share no KV of a common prefix"]


def test_an_answer_is_no_longer_than_its_bound() -> None:
    stated = StatedTokens(StatedCount(cv=0.0), StatedCount(cv=2.0))
    prefill = asked(answer_agent, AgentDemand("answer_agent", 1.0, tokens={"answer": stated}))[2]
    # max_tokens=200, though 5 % of the answers of mean 100 and cv 2 would be longer than 358
    assert prefill.tokens_out is not None
    assert prefill.tokens_out.p95 > 300
    assert prefill.context_tokens == 1000 + 200


def test_a_missing_count_is_left_to_the_ways() -> None:
    found = asked(react_agent, AgentDemand("react_agent", 1.0))
    without = [replace(each.spec, tokens_out=None) for each in found]
    structure = read_structure(graph_op(react_agent))
    again = asked_of(without, structure, AgentDemand("react_agent", 1.0))
    assert {each.tokens_out for each in again} == {None}


def test_limits_of_a_call_hold_in_each_of_its_alternatives() -> None:
    limits = StatedLimits(Sla("p95", 0.5), 0.02)
    demand = AgentDemand("answer_agent", 1.0, limits={"answer": limits})
    structure = read_structure(graph_op(answer_agent))
    found = call_limits(asked(answer_agent, demand), structure, demand)
    assert found == (CallLimit(2, 3, 100.0, limits.ttft, 0.02), CallLimit(4, 5, 100.0, limits.ttft, 0.02))
