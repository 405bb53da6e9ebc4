"""The three panels of figure 7 of the paper in this project's syntax: an agent, its high-level and its decomposed form.

Asgar, Nguyen and Katti (arXiv 2507.19635) show a Python agent with a search tool, a calculator and a conversation
buffer, the IR that it is captured as, and the IR in which a mixture-of-experts model is taken apart: gate, experts in
tensor parallel for prefill and decode, merge and all-reduce, and each tool as lookup and compute.

    python examples/figure7.py

The model's words are simulated and labelled. Sizes and latencies are left out: the figure has none, and only planning
asks for them.
"""

import inspect
from typing import Any, cast

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from examples.calculator import value_of
from ir.dialects.plan import ChooseOp, YieldOp
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.passes.decompose_moe import EXPERT_PARALLEL, DecomposeMoePass
from ir.passes.decompose_tool import DecomposeToolPass
from ir.passes.shard_tensor_parallel import ShardTensorParallelPass
from ir.text import to_text
from orchestrator import ToolCall, ToolCalls, agent, llm, memory, react, tool
from orchestrator.to_ir import to_ir

LABEL = "[simulated text]"
EXAMPLE_INPUT = {"query": "(17 + 4) * 2"}
BUFFER: list[dict[str, str]] = []
PAGES = ("Prefill reads all input tokens at once.", "Decode writes one token at a time.")


def simulated_turn(query: str, history: list[dict[str, str]], messages: list[Any]) -> str | ToolCalls:
    """Asks the calculator, or the search where the question has letters, and then repeats what the tool said."""
    found = [message["content"] for message in messages if message["role"] == "tool"]
    if found:
        return f"{LABEL} {found[-1]}"
    if any(letter.isalpha() for letter in query):
        return ToolCalls([ToolCall("search", {"words": query})])
    return ToolCalls([ToolCall("calculator", {"expression": query})])


@memory(op="load")
def load_buffer(query: str) -> list[dict[str, str]]:
    """The conversation so far."""
    return BUFFER


@tool
def search(words: str) -> list[str]:
    """Pages that have one of the words."""
    return [page for page in PAGES if any(word in page.lower() for word in words.lower().split())]


@tool
def calculator(expression: str) -> float:
    """The value of an arithmetic expression."""
    return value_of(expression)


@llm(model="qwen3-30b-a3b", max_tokens=256, simulate=simulated_turn)
def answer(query: str, history: list[dict[str, str]]) -> str:
    """You answer a question, with the tools where they help."""
    return f"{history}\n{query}"


@memory(op="store")
def store_buffer(query: str, said: str) -> str:
    """Adds a question and its answer to the conversation; gives the answer."""
    BUFFER.append({"query": query, "answer": said})
    return said


@agent
def figure7(query: str) -> str:
    """A conversation buffer around a model that may search and calculate."""
    history = load_buffer(query)
    said = react(answer, [search, calculator], {"query": query, "history": history}, max_turns=3)
    return store_buffer(query, said)


def high_level() -> ModuleOp:
    """Panel (b): the agent as it was captured."""
    return to_ir(figure7.trace())


def decomposed(shards: int = 2) -> ModuleOp:
    """Panel (c): the experts' alternative of the model's call over `shards` devices, and the parts of the tools."""
    module = high_level()
    passes: tuple[ModulePass, ...] = (
        DecomposeLlmPass(),
        DecomposeMoePass(),
        ShardTensorParallelPass(shards=shards),
        DecomposeToolPass(),
    )
    for each in passes:
        each.apply(Context(), module)
    for choice in [op for op in module.walk() if isinstance(op, ChooseOp)]:
        take_experts(choice)
    module.verify()
    return module


def take_experts(choice: ChooseOp) -> None:
    """Put the operations of the experts' alternative in place of a choice."""
    block = choice.alternatives[[name.data for name in choice.names].index(EXPERT_PARALLEL)].block
    last = cast(YieldOp, block.last_op)
    values = list(last.values)
    Rewriter.erase_op(last)
    Rewriter.inline_block(block, InsertPoint.before(choice), choice.operands)
    Rewriter.replace_op(choice, [], values)


def source() -> str:
    """Panel (a): the agent as it is written above."""
    steps: tuple[Any, ...] = (load_buffer, search, calculator, answer, store_buffer, figure7)
    return "\n\n".join(inspect.getsource(inspect.unwrap(step)) for step in steps)


if __name__ == "__main__":
    print(f"# (a) the agent\n\n{source()}")
    print(f"// (b) as captured\n\n{to_text(high_level())}")
    print(f"// (c) decomposed, over 2 devices\n\n{to_text(decomposed())}")
