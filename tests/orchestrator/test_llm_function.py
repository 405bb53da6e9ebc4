"""What the prompts of a function begin with."""

from hashlib import sha256

import pytest

from orchestrator import agent, llm
from orchestrator.errors import DecorationError
from orchestrator.graph import Graph, LlmTask, Prefix
from orchestrator.graph_json import graph_from_json, to_json
from orchestrator.llm_function import LlmFunction


@llm(model="llama3.1-8b", max_tokens=9, tokens_in=100, prefix_tokens=5)
def one(text: str) -> str:
    """You answer briefly."""
    return text


@llm(model="llama3.1-8b", max_tokens=9, tokens_in=100, prefix_tokens=5)
def same(other: str, text: str) -> str:
    """You answer briefly."""
    return text + other


@llm(model="llama3.1-8b", max_tokens=9, tokens_in=100, prefix_tokens=5)
def typed(text: str) -> int:
    """You answer briefly."""
    return text  # type: ignore[return-value]


@llm(model="llama3.1-8b", max_tokens=9, tokens_in=100)
def silent(text: str) -> str:
    """You answer briefly."""
    return text


@llm(model="llama3.1-8b", max_tokens=9, tokens_in=100, prefix_tokens=5)
def bare(text: str) -> str:
    return text


def test_a_prefix_is_the_hash_of_the_system_prompt() -> None:
    assert one.prefix() == Prefix(5, sha256(b"You answer briefly.").hexdigest()) == same.prefix()
    assert silent.prefix() is None
    # a structured answer's schema belongs to the system prompt
    assert typed.prefix() not in {None, one.prefix()}


def test_a_prefix_without_a_system_prompt_is_an_error() -> None:
    with pytest.raises(DecorationError, match="prefix_tokens=5 without a docstring"):
        bare.prefix()


def test_the_system_prompt_begins_the_messages() -> None:
    functions: list[LlmFunction[..., object]] = [one, typed]
    for function in functions:
        system = function.render_json({"text": "hi"})["messages"][0]
        prefix = function.prefix()
        assert prefix is not None
        assert sha256(system["content"].encode()).hexdigest() == prefix.sha256


@agent
def asker(text: str) -> str:
    return same.options(prefix_tokens=4)(one(text), text)


def test_the_graph_says_what_a_prompt_begins_with_and_reads_it_back() -> None:
    graph: Graph = asker.trace()
    digest = sha256(b"You answer briefly.").hexdigest()
    found = [task.prefix for task in graph.body.tasks if isinstance(task, LlmTask)]
    assert found == [Prefix(5, digest), Prefix(4, digest)]
    document = to_json(graph)
    assert document["body"]["tasks"][0]["prefix"] == {"tokens": 5, "sha256": digest}
    assert graph_from_json(document) == graph
    del document["body"]["tasks"][0]["prefix"]
    assert next(task.prefix for task in graph_from_json(document).body.tasks if isinstance(task, LlmTask)) is None
