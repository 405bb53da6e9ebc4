from typing import Any

import pytest

from costmodel.errors import CostError
from ir.view import entry
from orchestrator import agent, compute, llm, memory, model, react, tool
from orchestrator.agent_function import AgentFunction
from orchestrator.pipeline import lower
from placement.host_steps import PARSE, RENDER
from placement.operators import Calls, OperatorSpec, PriorTime
from placement.specs_from_ir import ASSUMED_VALUE_BYTES, read_specs
from placement.structure import read_structure
from tests.placement import sample_agents as agents
from tests.placement.sample_agents import graph_op, search


@tool(timeout="2s", retries=2, idempotent=True)
def unstated(query: str) -> str:
    return query


@model(model=["bge-m3"], tokens=300)
def embed(text: str) -> list[float]: ...


@tool(latency="1ms", cost_usd=0)
def wordy(query: str) -> str:
    return query


@memory(latency="5ms", op="store", cost_usd=0)
def remember(text: object) -> bool:
    return bool(text)


@compute(latency="1ms")
def priceless(text: str) -> str:
    return text


@llm(model=["llama3.1-8b", "llama3.1-70b"], max_tokens=64)
def unsized(question: str) -> str:
    return question


@agent
def odds_agent(text: str) -> str:
    remember(embed(unstated(text)))
    return priceless(unsized(text))


@agent
def chatty_agent(text: str) -> str:
    return react(agents.answer, [search], text, max_turns=4, expect=2)


@agent
def wordy_agent(text: str) -> str:
    return react(agents.answer, [search, wordy], text, max_turns=4, expect=2)


def specs(of: AgentFunction[..., object]) -> dict[str, OperatorSpec]:
    """By id; of alternatives the last."""
    return {spec.id: spec for spec in read_specs(read_structure(graph_op(of)).operations)}


def fields(spec: OperatorSpec, *names: str) -> tuple[Any, ...]:
    return tuple(getattr(spec, name) for name in names)


def test_the_parts_of_a_call_of_a_text_generator() -> None:
    found = specs(agents.answer_agent)
    halves = ["answer.decode_attention", "answer.decode_linear"]
    assert list(found) == ["first", "answer.render", "answer.prefill", "answer.decode", *halves, "answer.parse"]
    parts = [found[f"answer.{phase}"] for phase in ("render", "prefill", "decode", "parse")]
    assert [fields(part, "value", "op", "task", "tokens_in", "tokens_out") for part in parts] == [
        ("answer_render", "llm.render", "answer.render", 1000, 100),
        ("answer_prefill", "llm.prefill", "answer.prefill", 1000, 100),
        ("answer_decode", "llm.decode", "answer.decode", 1000, 100),
        ("answer", "llm.parse", "answer.parse", 1000, 100),
    ]
    # 4 bytes for a token's id, and 4 characters of text for each of 100 tokens; the longest context is 1000 + 200
    assert [part.bytes_out for part in parts] == [4000, 4, 400, 400]
    assert [part.context_tokens for part in parts] == [0, 1200, 1200, 0]
    assert [part.models for part in parts] == [(), ("llama3.1-8b",), ("llama3.1-8b",), ()]
    assert [part.prior for part in parts if not part.models] == [RENDER, PARSE]


def test_the_halves_of_a_decode_and_the_parts_of_a_run() -> None:
    found = specs(agents.answer_agent) | specs(agents.speech_agent)
    names = ("answer.decode_attention", "answer.decode_linear", "transcribe.encode", "transcribe.decode_encoded")
    parts = [found[name] for name in names]
    assert [fields(part, "value", "op", "task", "audio_s") for part in parts] == [
        ("answer_decode_attention", "llm.decode_attention", "answer.decode_attention", None),
        ("answer_decode", "llm.decode_linear", "answer.decode_linear", None),
        ("transcribe_encode", "model.encode", "transcribe.encode", 4),
        ("transcribe", "model.decode", "transcribe.decode_encoded", 4),
    ]
    # 100 steps of (32 + 2 x 8 + 32) heads x 128 x 2 bytes in 32 layers; one window of 1500 frames x 1280 x 2 bytes
    assert [part.bytes_out for part in parts] == [100 * 655_360, 400, 3_840_000, 4096]
    assert [part.context_tokens for part in parts] == [1200, 1200, 0, 0]


def test_visits_are_probability_times_iterations_times_width() -> None:
    assert {name: spec.visits for name, spec in specs(agents.branch_agent).items()} == {
        "first": 1,
        "second": 0.25,
        "third": 0.75,
        "both": 1,
    }
    # 3 turns; 2 rounds of tools, each of which is as often one as the other
    visits = {name: spec.visits for name, spec in specs(agents.react_agent).items()}
    assert (visits["answer.prefill"], visits["search"], visits["lookup"], visits["second"]) == (3, 1, 1, 1)
    assert {name: spec.visits for name, spec in specs(agents.fanout_agent).items()} == {
        "first": 1,
        "lookup": 1,
        "search": 4,
        "both": 4,
        "second": 1,
    }


def test_a_tool_is_one_operator_with_the_time_of_its_parts() -> None:
    spec = specs(agents.fanout_agent)["search"]
    assert fields(spec, "op", "phase", "task") == ("tool.invoke", "call", "search.call")
    assert spec.prior == PriorTime(0.1, 0.01, 0.001)
    assert spec.parts == (("tool.lookup", 0.0), ("tool.wait", pytest.approx(0.09)), ("tool.compute", 0.01))
    assert spec.bytes_out == 4 * 50


def test_what_the_author_does_not_state_stays_unknown() -> None:
    found = specs(odds_agent)
    assert fields(found["unstated"], "prior", "parts") == (PriorTime(None, None, None), ())
    assert found["unstated"].calls == Calls(timeout_s=2.0, retries=2, idempotent=True)
    assert found["unstated"].bytes_out == ASSUMED_VALUE_BYTES
    assert found["priceless"].prior == PriorTime(0.001, 0.001, None)
    assert fields(found["unsized.decode"], "tokens_in", "tokens_out", "context_tokens") == (None, None, 64)
    assert found["unsized.decode"].models == ("llama3.1-8b", "llama3.1-70b")


def test_models_that_generate_no_text_and_memory() -> None:
    found = specs(odds_agent)
    assert fields(found["embed"], "phase", "task", "models", "tokens_in") == ("run", "embed.run", ("bge-m3",), 300)
    assert fields(found["remember"], "op", "task", "parts") == ("memory.store", "remember.call", ())
    assert fields(specs(agents.speech_agent)["transcribe"], "audio_s", "tokens_in") == (4, None)


def test_the_context_of_a_react_is_that_of_its_last_turn() -> None:
    decode = specs(chatty_agent)["answer.decode"]
    # mean prompt over 2 turns: 1000 + (2 - 1) / 2 x (100 + 50) = 1075
    assert decode.tokens_in == 1075
    # before the last of 4 turns the model may have said 3 x 200 tokens and search 3 x 50; then it may say 200 more
    assert decode.context_tokens == 1000 + 3 * (200 + 50) + 200


def test_a_prompt_that_grows_by_answers_of_unknown_length() -> None:
    found = specs(wordy_agent)
    assert fields(found["answer.prefill"], "tokens_in", "unsized") == (None, ("wordy",))
    assert found["answer.prefill"].context_tokens == 1000 + 3 * (200 + 50) + 200  # what is unknown counts as nothing
    assert found["search"].unsized == ()
    assert specs(chatty_agent)["answer.prefill"].unsized == ()


def test_operators_without_visits_are_refused() -> None:
    graph = entry(lower(agents.chain_agent.trace(), "decompose-tool"))
    with pytest.raises(CostError, match=r"agent.compute @first has no cost.visits; run the annotate-demand pass"):
        read_specs(read_structure(graph).operations)
