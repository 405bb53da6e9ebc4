"""Small agents with every kind of control, and how the tests of the bridge lower, price and draw them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from costmodel.catalog import load_catalog
from costmodel.fleet import DeviceClass, Finance, Fleet, Link
from costmodel.models import load_models
from costmodel.profile import Profile, ProfileRow
from ir import view
from ir.dialects.agent import GraphOp
from orchestrator import agent, compute, fanout, interrupt, llm, loop, memory, model, observe, react, tool, when
from orchestrator.agent_function import AgentFunction
from orchestrator.pipeline import lower
from placement.operators import OperatorSpec, Phase, PriorTime
from placement.pricing import Pricing
from placement.problem import Block, BranchNode, ChooseNode, FanoutNode, LoopNode, OpNode
from placement.structure import Structure

CATALOG = load_catalog("default")
CORE = CATALOG.device("xeon_8480p")
H100 = CATALOG.device("h100_sxm")


@tool(latency="100ms", cpu="10ms", cost_usd=0.001, tokens_out=50)
def search(query: str) -> list[str]:
    return [query]


@tool(latency="20ms", cost_usd=0, tokens_out=20)
def lookup(query: str) -> str:
    return query


@memory(latency="4ms", cost_usd=0)
def recall(question: str) -> str:
    return question


@compute(latency="1ms", cost_usd=0)
def first(text: str) -> str:
    return text


@compute(latency="2ms", cost_usd=0, pure=False)
def second(text: str) -> str:
    """Not pure, so that no chain of these is fused; `test_fused_rows.py` has those that are."""
    return text


@compute(latency="3ms", cost_usd=0)
def third(text: str) -> str:
    return text


@compute(latency="5ms", cost_usd=0)
def both(left: object, right: object) -> str:
    return f"{left}{right}"


@llm(model="llama3.1-8b", tokens_in=1000, tokens_out=100, max_tokens=200)
def answer(question: str) -> str:
    return question


@model(model="whisper-large-v3", audio_s=4)
def transcribe(recording: str) -> str: ...


@agent
def chain_agent(text: str) -> str:
    return third(second(first(text)))


@agent
def diamond_agent(text: str) -> str:
    start = first(text)
    return both(second(start), {"third": third(start)["a"]})


@agent
def branch_agent(text: str) -> str:
    start = first(text)
    chosen = when(start["hard"], lambda: second(start), lambda: third(text), p=0.25)
    return both(chosen, start)


@agent
def unknown_branch_agent(text: str) -> str:
    return when(first(text)["hard"], lambda: second(text), lambda: third(text))


@agent
def loop_agent(text: str) -> str:
    start, other = first(text), lookup(text)
    return third(
        loop(lambda value: both(second(value), other), start, until=lambda v: v["done"], max_iters=4, expect=2)
    )


@agent
def fanout_agent(text: str) -> str:
    queries, start = first(text), lookup(text)
    return second(fanout(lambda query: both(search(query), start), queries, max=8, expect=4))


@agent
def react_agent(text: str) -> str:
    return second(react(answer, [search, lookup], first(text), max_turns=5, expect=3))


@agent
def single_turn_agent(text: str) -> str:
    return react(answer, [search], text, max_turns=1)


@agent
def toolless_agent(text: str) -> str:
    return react(answer, [], text, max_turns=3, expect=2)


@agent
def pause_agent(text: str) -> str:
    seen = observe(first(text))
    reply = interrupt({"really": second(seen)})
    return both(reply, third(seen))


@agent
def answer_agent(text: str) -> str:
    return answer(first(text))


@agent
def nested_agent(text: str) -> str:
    return both(answer_agent(text), answer_agent(first(text)))


@agent
def speech_agent(recording: str) -> str:
    return first(transcribe(recording))


def graph_op(of: AgentFunction[..., object]) -> GraphOp:
    """An agent's IR after all passes."""
    return view.entry(lower(of.trace()))


def cores(count: int = 8, usd_per_hour: float | None = 3.6, name: str = "xeon_8480p", site: str = "dc") -> DeviceClass:
    """CPU cores at 0.001 USD a second."""
    return DeviceClass(name, CORE, count, site, None, "cpu", usd_per_hour=usd_per_hour)


def h100(count: int = 2, usd_per_hour: float | None = 7.2, driver: str = "simulated", site: str = "dc") -> DeviceClass:
    """H100s at 0.002 USD a second."""
    return DeviceClass("h100_sxm", H100, count, site, None, driver, usd_per_hour=usd_per_hour)


def described(name: str, usd_per_hour: float | None = None, driver: str = "simulated") -> DeviceClass:
    """A class that only profile rows describe."""
    return DeviceClass(name, None, 4, "dc", None, driver, usd_per_hour=usd_per_hour)


def fleet(*classes: DeviceClass, links: tuple[Link, ...] = (), rows: tuple[ProfileRow, ...] = ()) -> Fleet:
    return Fleet(
        name="test",
        catalog=CATALOG,
        currency="USD",
        electricity_usd_per_kwh=0.1,
        pue=1.2,
        finance=Finance(),
        cost_basis="metered",
        classes=classes or (cores(), h100()),
        links=links,
        profile=Profile(rows),
    )


def pricing(*classes: DeviceClass, links: tuple[Link, ...] = (), rows: tuple[ProfileRow, ...] = ()) -> Pricing:
    return Pricing(fleet(*classes, links=links, rows=rows), load_models())


def row(task: str, device: str, latency_s: float, cost_usd: float | None = 0.0, **rest: float) -> ProfileRow:
    """A profile row; `rest` may have `tp`, `tokens_in` and `tokens_out`."""
    tp = int(rest.get("tp", 1))
    return ProfileRow(
        task, device, tp, latency_s, None, cost_usd, rest.get("tokens_in"), rest.get("tokens_out"), "test"
    )


def drawn(structure: Structure) -> str:
    """The tree with a line for each node: `position < those that it waits for: what it is`."""
    return "\n".join(_lines(structure, structure.root, ""))


def _lines(structure: Structure, block: Block, indent: str) -> Iterator[str]:
    for position, (node, waits) in enumerate(zip(block.nodes, block.waits_for, strict=True)):
        after = f" < {' '.join(map(str, waits))}" if waits else ""
        match node:
            case OpNode(operator):
                what, inner = structure.operations[operator].id.data, ()
            case BranchNode(id, probabilities, inner):
                what = f"{id} {' '.join(f'{p:g}' for p in probabilities)}"
            case LoopNode(id, expect, most, one, minimum):
                what, inner = f"{id} {minimum}..{most} mean {expect:g}", (one,)
            case FanoutNode(id, expect, most, one):
                what, inner = f"{id} ..{most} mean {expect:g}", (one,)
            case ChooseNode(choice, inner):
                what = f"choice {choice}"
        yield f"{indent}{position}{after}: {what}"
        for number, each in enumerate(inner):
            if len(inner) > 1:
                yield f"{indent}  [{number}]"
            yield from _lines(structure, each, indent + ("    " if len(inner) > 1 else "  "))


def call_spec(function: str = "search", **changes: Any) -> OperatorSpec:
    """A user's function that takes 100 ms, 10 ms of them busy, and costs 0.001 USD beside."""
    made = OperatorSpec(function, function, "tool.invoke", function, "call", 1.0, prior=PriorTime(0.1, 0.01, 0.001))
    return replace(made, **changes)


def llm_spec(phase: Phase, **changes: Any) -> OperatorSpec:
    """A part of a call of 1000 tokens in and 100 out."""
    made = OperatorSpec(
        id=f"answer.{phase}",
        value=f"answer_{phase}",
        op=f"llm.{phase}",
        function="answer",
        phase=phase,
        visits=1.0,
        models=("llama3.1-8b",) if phase in {"prefill", "decode"} else (),
        tokens_in=1000.0,
        tokens_out=100.0,
        context_tokens=1200.0,
        bytes_out=400.0,
    )
    return replace(made, **changes)
