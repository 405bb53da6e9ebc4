"""Which operators give the first output, and that a plan of a load keeps the limit on it or is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from costmodel.fleet import load_fleet
from ir import view
from ir.sla import Sla
from orchestrator import agent, fanout, llm, loop, model, when
from orchestrator.agent_files import find_all
from orchestrator.agent_function import AgentFunction
from orchestrator.commands.fleet_text import fleet_text
from orchestrator.fleet_pipeline import FleetPlan, FleetRequest, plan_fleet
from orchestrator.fleet_report import agent_rows
from orchestrator.pipeline import lower
from placement.load import AgentDemand, Load
from placement.load_document import load_load
from placement.shared_from_ir import AgentIr, shared_from_ir
from placement.shared_problem import AgentLoad
from tests.placement.sample_agents import (
    answer,
    answer_agent,
    both,
    cores,
    first,
    graph_op,
    h100,
    pricing,
    second,
    third,
)

LIMIT = Sla("p95", 9.0)


@model(model="whisper-large-v3", audio_s=4, stream=True, items=4)
def listen(recording: str) -> str: ...


@llm(model="llama3.1-8b", tokens_in=100, tokens_out=100, max_tokens=200, stream=True, items=5)
def tell(question: str) -> str:
    return question


@agent
def streamed_agent(recording: str) -> str:
    return listen(recording)


@agent
def written_agent(text: str) -> str:
    return tell(first(text))


@agent
def changed_agent(recording: str) -> str:
    return first(listen(recording))


@agent
def pair_agent(text: str) -> dict[str, str]:
    return {"one": first(text), "two": second(text)}


@agent
def fanned_agent(text: str) -> list[str]:
    return fanout(lambda each: third(second(each)), first(text), max=8, expect=4)


@agent
def looped_agent(text: str) -> str:
    return loop(second, first(text), until=lambda v: v["done"], max_iters=4, expect=2)


@agent
def either_agent(text: str) -> str:
    start = first(text)
    return when(start["hard"], lambda: second(start), lambda: third(text), p=0.25)


@agent
def unstated_agent(text: str) -> str:
    return both(first(text), answer(text))


def loaded(of: AgentFunction[..., object]) -> AgentLoad:
    """The agent, with a limit on its first output, in the shared problem of a load."""
    op = view.entry(lower(replace(of.trace(), first_output=LIMIT)))
    load = Load("test", (AgentDemand(of.__name__, 1.0),))
    (found,) = shared_from_ir([AgentIr(op, load.agents[0])], pricing(cores(), h100(8)), load).problem.agents
    return found


@pytest.mark.parametrize(
    ("of", "sources"),
    [
        # Whole, the model gives 4 items itself; with its encoder apart it gives one; a computation gives one.
        (streamed_agent, {"listen (whole)": 4.0, "listen.decode_encoded (split)": 1.0}),
        (changed_agent, {"first": 1.0}),
        # Both parts of a value; the condition of a branch and either way.
        (pair_agent, {"first": 1.0, "second": 1.0}),
        (either_agent, {"first": 1.0, "second": 1.0, "third": 1.0}),
        # The value is there when every item, or the last pass, is.
        (fanned_agent, {"first": 1.0, "second": 1.0, "third": 1.0}),
        (looped_agent, {"first": 1.0, "second": 1.0}),
        # Every alternative of a call ends in the same parse.
        (answer_agent, {"answer.parse": 1.0}),
        (unstated_agent, {"both": 1.0}),
    ],
)
def test_who_gives_the_first_output(of: AgentFunction[..., object], sources: dict[str, float]) -> None:
    found = loaded(of)
    assert found.first_output is not None
    assert found.first_output.sla == LIMIT
    named = {found.problem.operators[position].id: items for position, items in found.first_output.sources}
    assert named == sources


def test_no_limit_no_sources() -> None:
    load = Load("test", (AgentDemand("answer_agent", 1.0),))
    lowered = shared_from_ir([AgentIr(graph_op(answer_agent), load.agents[0])], pricing(cores(), h100(8)), load)
    assert lowered.problem.agents[0].first_output is None


@pytest.fixture
def voice(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[float | None], FleetPlan]:
    """Plans the voice agent's load with a limit on its first output."""
    monkeypatch.chdir(project)
    graph = find_all([Path("examples/voice_agent.py")])["voice_agent"]
    fleet, load = load_fleet("examples/fleets/provisioned.yaml"), load_load("examples/loads/voice.yaml")

    def plan(limit_s: float | None) -> FleetPlan:
        stated = None if limit_s is None else Sla("p95", limit_s)
        return plan_fleet({graph.name: replace(graph, first_output=stated)}, fleet, load, FleetRequest())

    return plan


def test_the_limit_changes_the_plan_and_a_hopeless_one_is_refused(voice: Callable[[float | None], FleetPlan]) -> None:
    free, tight = voice(None), voice(2.5)
    assert free.answer is not None
    assert tight.answer is not None
    (agent_free,), (agent_tight,) = agent_rows(free, free.answer), agent_rows(tight, tight.answer)
    assert agent_free.first_output_s is None
    assert agent_tight.first_output_s is not None
    assert agent_free.latency_s > 2.5 >= agent_tight.first_output_s
    assert tight.answer.evaluation.usd_per_hour > free.answer.evaluation.usd_per_hour
    assert "\nfirst output of voice_agent: p95 after " in fleet_text(tight)
    # The web search alone takes 0.3 s in the mean.
    assert voice(0.05).answer is None
