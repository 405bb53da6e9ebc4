"""The panels of figure 7: each is printed, has the operations in the figure's order, and means the same agent."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from xdsl.dialects.builtin import ModuleOp

from ir.interpreter import interpret
from ir.text import parse, to_text

LLM_TURN = [
    "llm.render",
    # prefill: gate, experts and merge on each of two devices, then the all-reduce
    *["moe.gate", "moe.expert_prefill", "moe.merge"] * 2,
    "comm.all_reduce",
    *["moe.gate", "moe.expert_decode", "moe.merge"] * 2,
    "comm.all_reduce",
    "llm.parse",
]


@pytest.fixture
def figure(example: Callable[[str], ModuleType]) -> ModuleType:
    return example("figure7")


def names(module: ModuleOp) -> list[str]:
    """The names of the operations in order, without those that only hold or end a region."""
    structure = {"builtin.module", "agent.graph", "agent.yield", "agent.output"}
    return [op.name for op in module.walk() if op.name not in structure]


def test_the_agent_loads_its_buffer_answers_with_tools_and_stores(figure: ModuleType) -> None:
    figure.BUFFER.clear()
    assert figure.figure7(**figure.EXAMPLE_INPUT) == "[simulated text] 42.0"  # (17 + 4) x 2
    assert figure.figure7(query="what is prefill") == '[simulated text] ["Prefill reads all input tokens at once."]'
    assert [turn["query"] for turn in figure.BUFFER] == ["(17 + 4) * 2", "what is prefill"]


def test_the_source_panel_shows_every_step_and_the_agent(figure: ModuleType) -> None:
    decorators = [line for line in figure.source().splitlines() if line.startswith("@")]
    assert [line.split("(")[0] for line in decorators] == ["@memory", "@tool", "@tool", "@llm", "@memory", "@agent"]


def test_the_high_level_form_is_load_call_with_tools_store(figure: ModuleType) -> None:
    expected = ["memory.load", "agent.react", "llm.call", "tool.invoke", "tool.invoke", "memory.store"]
    assert names(figure.high_level()) == expected


def test_the_decomposed_form_has_the_experts_over_two_devices_and_the_parts_of_the_tools(figure: ModuleType) -> None:
    tools = ["tool.lookup", "tool.compute"] * 2
    assert names(figure.decomposed()) == ["memory.load", "agent.react", *LLM_TURN, *tools, "memory.store"]


def test_both_forms_mean_the_same_and_read_back(figure: ModuleType) -> None:
    def answer(messages: list[Any], query: str, history: list[Any]) -> dict[str, Any]:
        content = [message["content"] for message in messages if message["role"] == "tool"]
        calls = [] if content else [{"name": "calculator", "arguments": {"expression": query}}]
        return {"content": content, "tool_calls": calls}

    leaves = {
        "load_buffer": lambda query: [],
        "answer": answer,
        "calculator": figure.value_of,
        "store_buffer": lambda query, said: said,
    }
    for module in (figure.high_level(), figure.decomposed(shards=1), figure.decomposed(shards=4)):
        assert interpret(parse(to_text(module)), figure.EXAMPLE_INPUT, leaves) == ["42.0"]  # a model is told texts


def test_the_program_prints_the_three_panels(project: Path) -> None:
    command = [sys.executable, "examples/figure7.py"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    headings = [line for line in done.stdout.splitlines() if line.startswith(("# (", "// ("))]
    assert headings == ["# (a) the agent", "// (b) as captured", "// (c) decomposed, over 2 devices"]
