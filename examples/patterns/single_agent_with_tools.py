"""Single agent with tools: one language model calls tools in turns until it can answer.

The graph is one `react`: a model step and, beside it, the tools that it may call. Each turn sends all messages so far;
the tools of a turn run in parallel; the bound is on the turns. The tools really search this project's documents and
calculate; what the model says is simulated and labelled.
"""

import json
from typing import Any

from examples.calculator import calculate
from examples.document_search import find_text, search_docs
from orchestrator import ToolCall, ToolCalls, agent, llm, react

LABEL = "[simulated text]"
EXAMPLE_INPUT = {"question": 'What is the gap of a plan; "bound_scope"; (0.11 - 0.095) / 0.11 * 100'}

# Tokens: `python examples/patterns/measure_priors.py single_agent_with_tools`
TOOLS = [search_docs.options(tokens_out=110), find_text.options(tokens_out=40), calculate.options(tokens_out=22)]


def call_for(part: str) -> ToolCall:
    """The tool that fits a part of the question: a sum, a literal in quotes, or words."""
    if part[0] in "0123456789(-":
        return ToolCall("calculate", {"expression": part})
    if part[0] == '"':
        return ToolCall("find_text", {"term": part.strip('"')})
    return ToolCall("search_docs", {"query": part})


def said(tool: str, content: str) -> str:
    """One line for the result of a tool, which is JSON, or an error as text."""
    if content.startswith("error:"):
        return f"{tool}: {content}"
    result = json.loads(content)
    if tool == "calculate":
        return result["error"] or f"{result['expression']} = {result['value']:.6g}"
    return f"{result[0]['path']}:{result[0]['line']}: {result[0]['text']}" if result else f"{tool} found nothing"


def simulated_turn(question: str, messages: list[Any]) -> str | ToolCalls:
    """First a tool for each part of the question, then a line for each result."""
    results = [message for message in messages if message["role"] == "tool"]
    if not results:
        return ToolCalls([call_for(part.strip()) for part in question.split(";") if part.strip()])
    return "\n".join([LABEL, *(said(result["name"], result["content"]) for result in results)])


@llm(model="llama3.1-8b", tokens_in=43, tokens_out=58, max_tokens=400, simulate=simulated_turn)
def answer(question: str) -> str:
    """You answer from a project's documents. Use the tools to search, to find a literal text and to calculate."""
    return question


@agent(sla={"p95": "8s"})
def single_agent_with_tools(question: str) -> str:
    """One model, three tools, at most four turns."""
    return react(answer, TOOLS, question, max_turns=4, expect=2)
