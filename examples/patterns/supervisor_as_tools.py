"""Supervisor as tools: the supervisor calls agents as if they were tools, several at once, and answers itself.

The graph is a `react` whose tools are agents: the model reads their names, descriptions and parameters, the agents that
one turn calls run in parallel, and what they answer goes back to it until it answers without a call. Unlike the
supervisor that routes, it keeps control: agents give results, not answers. One agent is itself a `react`, with a
calculator. The supervisor's prompt grows by each turn and each result; planning derives how much.
"""

import json
from typing import Any

from examples.calculator import calculate
from examples.document_search import Passage, search_docs
from orchestrator import ToolCall, ToolCalls, agent, llm, react

LABEL = "[simulated text]"
EXAMPLE_INPUT = {"question": "What is the gap of a plan; What is a pool; (0.11 - 0.095) / 0.11 * 100"}
# Priors: `python examples/patterns/measure_priors.py supervisor_as_tools`, two busy cores of an AMD EPYC, Python 3.11.


def simulated_delegation(question: str, messages: list[Any]) -> str | ToolCalls:
    """A call for each part of the question in the first turn; then the answer from what the agents gave."""
    results = [message["content"] for message in messages if message["role"] == "tool"]
    if results:
        return "\n".join([LABEL, *(f"- {result}" for result in results)])
    parts = [part.strip() for part in question.split(";")]
    names = ["account" if part[:1] in "0123456789(-" else "research" for part in parts]
    return ToolCalls([ToolCall(name, {"request": part}) for name, part in zip(names, parts, strict=True)])


@llm(model="llama3.1-70b", tokens_in=42, tokens_out=64, max_tokens=400, simulate=simulated_delegation)
def delegate(question: str) -> str:
    """You answer questions. Call research for what documents say and account for arithmetic, then answer."""
    return question


def simulated_summary(request: str, passages: list[Passage]) -> str:
    return f"{LABEL} {passages[0].text} ({passages[0].path}:{passages[0].line})" if passages else f"{LABEL} not found"


@llm(model="llama3.1-8b", tokens_in=122, tokens_out=26, max_tokens=200, simulate=simulated_summary)
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
    """Solves a problem of arithmetic with a calculator."""
    return react(work_out, [calculate.options(tokens_out=22)], request, max_turns=3, expect=2)


@agent(sla={"p95": "20s"})
def supervisor_as_tools(question: str) -> str:
    """At most four turns; each may call both agents, several times."""
    return react(delegate, [research, account], question, max_turns=4, expect=2)
