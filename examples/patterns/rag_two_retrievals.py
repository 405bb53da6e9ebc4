"""Retrieval-augmented generation with two retrievals: two sources are searched at once, each answers, one merges.

The graph is two parallel paths of a lookup and a model call, and their join. Both calls are of one function, so they
share its system prompt and the question after it: everything before the passages is the same prefix. The lookups really
search: one this project's guides, the other the reasons of its decisions.
"""

from dataclasses import dataclass
from pathlib import Path

from examples.document_search import Passage, documents, index_over, passages_of, words
from orchestrator import agent, compute, llm, memory

LABEL = "[simulated text]"
EXAMPLE_INPUT = {"question": "Why may a package import only those to its right?"}

# Priors: `python examples/patterns/measure_priors.py rag_two_retrievals`, two busy cores of an AMD EPYC, Python 3.11.


@dataclass(frozen=True)
class Answer:
    """A text and the places that it rests on, as `path:line`; both empty where the passages say nothing."""

    text: str
    sources: list[str]


def best(question: str, files: list[Path]) -> list[Passage]:
    """The passages of some files that match a question, best first."""
    return index_over([passage for path in files for passage in passages_of(path)]).ranked(question)


@memory(k=3, latency="33ms", cost_usd=0)
def recall_guides(question: str) -> list[Passage]:
    """What the guides say."""
    return best(question, [path for path in documents() if path.parent.name != "decisions"])


@memory(k=3, latency="3.5ms", cost_usd=0)
def recall_decisions(question: str) -> list[Passage]:
    """What the decisions and their reasons say."""
    return best(question, [path for path in documents() if path.parent.name == "decisions"])


def simulated_answer(question: str, passages: list[Passage]) -> Answer:
    """The passage that shares most words with the question, word for word."""
    wanted = set(words(question))
    chosen = max(passages, key=lambda passage: len(wanted & set(words(passage.text))), default=None)
    return Answer(f"{LABEL} {chosen.text}", [f"{chosen.path}:{chosen.line}"]) if chosen else Answer("", [])


@llm(model="llama3.1-8b", tokens_in=292, tokens_out=72, max_tokens=300, simulate=simulated_answer)
def answer(question: str, passages: list[Passage]) -> Answer:
    """You answer a question about a project from the passages given and from nothing else, and name their places."""
    listed = "\n".join(f"{passage.path}:{passage.line}: {passage.text}" for passage in passages)
    return f"Question: {question}\n\nPassages:\n{listed}"


@compute(latency="1.9ms", cost_usd=0)
def merge(answers: list[Answer]) -> Answer:
    """The texts that differ, one paragraph each, and every place once."""
    texts = dict.fromkeys(answer.text for answer in answers if answer.text)
    return Answer("\n\n".join(texts), list(dict.fromkeys(place for answer in answers for place in answer.sources)))


@agent(sla={"p95": "4s"})
def rag_two_retrievals(question: str) -> Answer:
    """Searches guides and decisions at once, answers from each, and merges."""
    from_guides = answer(question, recall_guides(question))
    from_decisions = answer(question, recall_decisions(question))
    return merge([from_guides, from_decisions])
