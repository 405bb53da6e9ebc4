"""A small agent with every kind of task and every combinator, for the tests of all later stages."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator import (
    ToolCall,
    ToolCalls,
    agent,
    compute,
    fanout,
    interrupt,
    length,
    llm,
    loop,
    memory,
    model,
    observe,
    react,
    tool,
    when,
)


@dataclass(frozen=True)
class Plan:
    queries: list[str]
    hard: bool


@dataclass(frozen=True)
class Doc:
    title: str
    text: str


@dataclass(frozen=True)
class Draft:
    text: str
    score: float


def simulate_plan(question: str) -> Plan:
    return Plan([f"{question} {n}" for n in ("first", "second")], len(question) > 10)


def simulate_browse(question: str, messages: list[object]) -> ToolCalls | str:
    if len(messages) < 4:
        return ToolCalls([ToolCall("calculate", {"expression": "6*7"}), ToolCall("lookup_term", {"term": question})])
    return f"browsed {question}"


@model(model="whisper-large-v3", audio_s=5, simulate="a long question about deadlines")
def transcribe(audio: str) -> str: ...


@llm(model="llama3.1-8b", max_tokens=128, tokens_in=200, tokens_out=60, simulate=simulate_plan)
def plan(question: str) -> Plan:
    """You split a question into searches."""
    return f"Question: {question}"


@tool(latency="300ms", latency_sd="100ms", cpu="5ms", tokens_out=400, timeout="2s", retries=2, idempotent=True)
async def search(query: str) -> list[Doc]:
    return [Doc(query, f"about {query}")]


@tool(latency="2ms", cost_usd=0.0, tokens_out=20, idempotent=True)
def calculate(expression: str) -> float:
    left, right = expression.split("*")
    return float(left) * float(right)


@memory(latency="20ms", k=2)
def recall(question: str) -> list[Doc]:
    return [Doc(f"note {n}", question) for n in range(4)]


@memory(latency="10ms", tokens_out=30)
def lookup_term(term: str) -> str:
    return f"{term} is a term"


@memory(latency="5ms", op="store")
def remember(text: str) -> bool:
    return bool(text)


@compute(latency="1ms")
def merge(*docs: Doc) -> list[str]:
    return [doc.title for doc in docs]


@compute(latency="3ms", idempotent=True)
def flatten(groups: list[list[Doc]]) -> list[Doc]:
    return [doc for group in groups for doc in group]


@llm(model=["llama3.1-8b", "llama3.1-70b"], max_tokens=256, tokens_in=900, tokens_out=180)
def answer(question: str, docs: list[Doc]) -> Draft:
    """You answer from the documents."""
    return f"{question}\n{len(docs)} documents"


@llm(
    model="llama3.1-8b",
    max_tokens=256,
    tokens_in=500,
    tokens_out=150,
    simulate=lambda draft: Draft(draft.text + " better", draft.score + 0.5),
)
def revise(draft: Draft) -> Draft:
    return f"Improve: {draft.text}"


@llm(model="llama3.1-8b", max_tokens=200, tokens_in=300, tokens_out=80, simulate=simulate_browse)
def browse(question: str) -> str:
    """You find things out with tools."""
    return question


@agent
def gather(question: str, hard: bool = False) -> list[Doc]:
    """Finds documents."""
    p = plan(question)
    return when(
        p.hard | hard,
        lambda: flatten(fanout(search, p.queries, max=4, expect=2)),
        lambda: recall(question),
        p=0.7,
    )


@agent(sla={"p95": "6s"}, first_output="1s", degrade={"max_iters": 1})
def assistant(question: str) -> dict[str, object]:
    """Answers a question with sources."""
    docs = gather(question, hard=length(question) > 40)
    draft = loop(revise, answer(question, docs), until=lambda d: d.score > 0.9, max_iters=3, expect=1.4)
    extra = react(browse, [calculate, lookup_term], question, max_turns=4, expect=2)
    remember(observe(draft.text))
    return {"draft": draft, "extra": extra, "sources": merge(docs[0], Doc("fixed", ""))}


@agent(sla="4s")
def voice(audio: str) -> str:
    """Answers speech; asks a person when it is unsure."""
    question = transcribe(audio)
    draft = revise(answer(question, recall(question)))
    return when(draft.score < 0.5, lambda: interrupt({"unsure": draft.text}), lambda: draft.text, p=0.1)
