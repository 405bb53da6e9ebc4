"""The tokens of examples/loads/traced-agents.yaml are those of the traces that it names."""

import csv
import json
import math
from pathlib import Path

import pytest

from orchestrator.agent_files import find_all
from orchestrator.graph import LlmTask, walk
from placement.load import AgentDemand
from placement.load_document import load_load

SETS = {
    "voice_agent": "taubench",
    "research_assistant": "mooncake",
    "rag_two_retrievals": "azure",
    "single_agent_with_tools": "miniswe",
    "supervisor": "magagent",
}
FILES = (
    "voice_agent.py",
    "research_assistant.py",
    "patterns/rag_two_retrievals.py",
    "patterns/single_agent_with_tools.py",
    "patterns/supervisor.py",
)


def calls(traces: Path, name: str) -> list[tuple[float, float]]:
    """Tokens in and out of each call; four characters are a token."""
    if name == "azure":
        with (traces / "azure2023_conv.csv").open(encoding="utf-8") as file:
            return [(float(row["in_tokens"]), float(row["out_tokens"])) for row in csv.DictReader(file)]
    if name == "mooncake":
        lines = (traces / "mooncake_fast25_conversation.jsonl").read_text(encoding="utf-8").splitlines()
        return [(row["input_length"], row["output_length"]) for row in map(json.loads, lines)]
    lines = (traces / "lmcache_agent_calls.jsonl").read_text(encoding="utf-8").splitlines()
    rows = (row for row in map(json.loads, lines) if row["set"] == name)
    return [(row["in_chars"] / 4, row["out_chars"] / 4) for row in rows]


def spread(values: list[float]) -> tuple[float, float]:
    """Mean and deviation over mean, to three digits as the file has them."""
    mean = math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((one - mean) ** 2 for one in values) / len(values))
    return float(f"{mean:.3g}"), float(f"{deviation / mean:.3g}")


@pytest.mark.parametrize("agent", SETS)
def test_the_tokens_are_those_of_the_trace(agent: str, project: Path, shared: Path) -> None:
    load = load_load(project / "examples/loads/traced-agents.yaml")
    demand: AgentDemand = next(each for each in load.agents if each.agent == agent)
    graph = find_all([project / "examples" / file for file in FILES])[agent]
    most = {task.function.qualname: task.max_tokens for task in walk(graph.body) if isinstance(task, LlmTask)}
    assert set(demand.tokens) == set(most)
    rows = calls(shared / "data/traces", SETS[agent])
    read = spread([one for one, _ in rows if one])
    for function, stated in demand.tokens.items():
        made = spread([min(out, most[function]) for _, out in rows if out])
        assert (stated.tokens_in.mean, stated.tokens_in.cv) == read
        assert (stated.tokens_out.mean, stated.tokens_out.cv) == made
