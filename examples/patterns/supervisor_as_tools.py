"""Supervisor as tools: the supervisor calls agents as if they were tools, several at once, and answers itself.

The graph is a bounded loop whose value is the talk so far. Each turn of the supervisor names calls with arguments; a
fan-out serves them in parallel, a `when` in it picks the agent that is called; the results go back to the supervisor,
which answers or calls again. Unlike the supervisor that routes, it keeps control: agents give results, not answers.
`react` does the same for tools; here the tools are agents, one of which is itself a `react` with a calculator.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

from examples.calculator import calculate
from examples.document_search import Passage, search_docs
from orchestrator import ToolCall, ToolCalls, agent, compute, fanout, length, llm, loop, react, when

LABEL = "[simulated text]"
EXAMPLE_INPUT = {"question": "What is the gap of a plan; What is a pool; (0.11 - 0.095) / 0.11 * 100"}
MOST_CALLS = 4
# Priors: `python examples/patterns/measure_priors.py supervisor_as_tools`, two busy cores of an AMD EPYC, Python 3.11.


@dataclass(frozen=True)
class Call:
    tool: Literal["research", "account"]
    request: str


@dataclass(frozen=True)
class Result:
    call: Call
    text: str


@dataclass(frozen=True)
class Turn:
    """Calls, or the answer when there are none."""

    calls: list[Call]
    answer: str


@dataclass(frozen=True)
class Talk:
    results: list[Result]
    turn: Turn


def simulated_delegation(question: str, results: list[Result]) -> Turn:
    """A call for each part of the question without a result; the answer when there is none left."""
    known = {result.call.request for result in results}
    parts = [part.strip() for part in question.split(";")]
    calls = [Call("account" if part[:1] in "0123456789(-" else "research", part) for part in parts if part not in known]
    return Turn(calls, "" if calls else "\n".join([LABEL, *(f"- {result.text}" for result in results)]))


@llm(model="llama3.1-70b", tokens_in=255, tokens_out=61, max_tokens=400, simulate=simulated_delegation)
def delegate(question: str, results: list[Result]) -> Turn:
    """You answer questions. Call research for what documents say and account for arithmetic, then answer."""
    return "\n".join([question, *(f"{result.call.tool}({result.call.request!r}): {result.text}" for result in results)])


def simulated_summary(request: str, passages: list[Passage]) -> str:
    return f"{LABEL} {passages[0].text} ({passages[0].path}:{passages[0].line})" if passages else f"{LABEL} not found"


@llm(model="llama3.1-8b", tokens_in=101, tokens_out=22, max_tokens=200, simulate=simulated_summary)
def summarise(request: str, passages: list[Passage]) -> str:
    """You answer a request from the passages given, and name the one you used."""
    return "\n".join([request, *(f"{passage.path}:{passage.line}: {passage.text}" for passage in passages)])


@agent
def research(request: str) -> str:
    """Searches the documents and sums up what was found."""
    return summarise(request, search_docs(request))


def simulated_account(request: str, messages: list[Any]) -> str | ToolCalls:
    results = [json.loads(message["content"]) for message in messages if message["role"] == "tool"]
    if not results:
        return ToolCalls([ToolCall("calculate", {"expression": request})])
    value, error = results[0]["value"], results[0]["error"]
    return f"{LABEL} {error or f'{request} = {value:.6g}'}"


@llm(model="llama3.1-8b", tokens_in=20, tokens_out=18, max_tokens=120, simulate=simulated_account)
def work_out(request: str) -> str:
    """You solve problems of arithmetic with the calculator."""
    return request


@agent
def account(request: str) -> str:
    """A single agent with a calculator."""
    return react(work_out, [calculate.options(tokens_out=22)], request, max_turns=3, expect=2)


@compute(latency="0.5ms", cost_usd=0)
def add_results(results: list[Result], calls: list[Call], texts: list[str]) -> list[Result]:
    return results + [Result(call, text) for call, text in zip(calls, texts, strict=True)]


@agent(sla={"p95": "20s"})
def supervisor_as_tools(question: str) -> str:
    """At most three turns after the first, of at most four calls each."""

    def serve(call: Call) -> str:
        return when(call.tool == "research", lambda: research(call.request), lambda: account(call.request), p=0.67)

    def serve_turn(talk: Talk) -> Talk:
        texts = fanout(serve, talk.turn.calls, max=MOST_CALLS, expect=3)
        results = add_results(talk.results, talk.turn.calls, texts)
        return Talk(results, delegate(question, results))

    first = Talk([], delegate(question, []))
    talk = loop(serve_turn, first, until=lambda talk: length(talk.turn.calls) == 0, max_iters=3, expect=1)
    return talk.turn.answer
