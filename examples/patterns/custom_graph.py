"""Custom graph: a free directed graph of steps, with independent paths, a fan-out, a branch and a join.

Four paths start from the same text and run at once, because none needs another's value: its size is measured, its terms
are listed and each is looked up in this project's documents in a fan-out, its tone is judged, and, in one branch of a
`when` that waits only for the size, it is shortened. `compose` joins the four. Nothing but data orders the steps.
"""

import re
from dataclasses import dataclass

from examples.document_search import Passage, find_text
from orchestrator import agent, compute, fanout, llm, when

LABEL = "[simulated text]"
EXAMPLE_INPUT = {
    "text": "Every answer states its `bound` and its `gap`. The planner, which looks at every device of the fleet and "
    "at every model that a step allows, finds the cheapest placement that keeps the deadline, and `zebra` is no term."
}
LONG_SENTENCE = 25
MOST_TERMS = 5

# Priors: `python examples/patterns/measure_priors.py custom_graph`, two busy cores of an AMD EPYC, Python 3.11.


@dataclass(frozen=True)
class Size:
    words: int
    sentences: int
    longest: int


@dataclass(frozen=True)
class Review:
    """What the four paths found; `unknown` are the terms that no document has."""

    size: Size
    unknown: list[str]
    tone: str
    text: str


def sentences(text: str) -> list[str]:
    return [sentence for sentence in re.split(r"(?<=[.!?])\s+", text) if sentence]


@compute(latency="12ms", cost_usd=0)
def measure(text: str) -> Size:
    """Words, sentences, and the words of the longest sentence."""
    lengths = [len(sentence.split()) for sentence in sentences(text)]
    return Size(sum(lengths), len(lengths), max(lengths, default=0))


@llm(
    model="llama3.1-8b",
    tokens_in=95,
    tokens_out=6,
    max_tokens=100,
    simulate=lambda text: re.findall(r"`(\w[^`]*)`", text),
)
def list_terms(text: str) -> list[str]:
    """You list the technical terms of a text."""
    return text


def simulated_tone(text: str) -> str:
    return f"{LABEL} {'certain' if re.search('every|never|always', text.lower()) else 'careful'}"


@llm(model="llama3.1-8b", tokens_in=64, tokens_out=6, max_tokens=40, simulate=simulated_tone)
def judge_tone(text: str) -> str:
    """You name the tone of a text in one word."""
    return text


def simulated_shortening(text: str, limit: int) -> str:
    """The sentences within the limit as they are, of the others the words up to it."""
    return " ".join([LABEL, *(" ".join(sentence.split()[:limit]) for sentence in sentences(text))])


@llm(model="llama3.1-8b", tokens_in=76, tokens_out=50, max_tokens=300, simulate=simulated_shortening)
def shorten(text: str, limit: int) -> str:
    """You rewrite a text so that no sentence has more words than the limit."""
    return f"Limit: {limit} words\n{text}"


@compute(latency="3.7ms", cost_usd=0)
def compose(size: Size, terms: list[str], found: list[list[Passage]], tone: str, text: str) -> Review:
    """The join of all paths."""
    unknown = [term for term, passages in zip(terms, found, strict=False) if not passages]
    return Review(size, unknown, tone, text)


@agent(sla={"p95": "4s"})
def custom_graph(text: str) -> Review:
    """Reviews a text on four paths at once."""
    size = measure(text)
    terms = list_terms(text)
    found = fanout(find_text, terms, max=MOST_TERMS, expect=3, overflow="truncate")
    tone = judge_tone(text)
    short = when(size.longest > LONG_SENTENCE, lambda: shorten(text, LONG_SENTENCE), lambda: text, p=0.5)
    return compose(size, terms, found, tone, short)
