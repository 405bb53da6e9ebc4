"""Measures the priors of the patterns on their example inputs, so that each number in a decorator has a command.

    python examples/patterns/measure_priors.py [NAME ...]

Runs each pattern on Ray for the steps on CPU cores, and once in this process for the tokens of its model steps.
"""

import statistics
import sys
from collections import defaultdict
from pathlib import Path

from examples.measure import CHARACTERS_PER_TOKEN, RUNS, print_priors
from orchestrator.eager import LlmRequest, SimulatedBackend, use_backend
from orchestrator.functions import load_file
from orchestrator.turns import Turn

FOLDER = "examples/patterns"
FLEET = "examples/fleets/mixed.yaml"


class Sizes(SimulatedBackend):
    """Answers as the simulated model does; keeps the characters of every prompt and answer and of what tools told."""

    def __init__(self) -> None:
        self.calls: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self.told: dict[str, int] = {}

    def respond(self, request: LlmRequest) -> Turn:
        turn = super().respond(request)
        sent = sum(len(message["content"] or str(message)) for message in request.messages)
        self.calls[request.function.__name__].append((sent, len(turn.content or str(turn.tool_calls))))
        told = (message for message in request.messages if message["role"] == "tool")
        self.told.update({message["name"]: len(message["content"]) for message in told})
        return turn


def measure(name: str, runs: int = RUNS) -> None:
    """The latency of each step on a core, and the mean tokens of each model step and of what tools tell it.

    `at first` is the first prompt: in a react, whose later prompts planning derives, that is `tokens_in`.
    """
    print_priors(f"{FOLDER}/{name}.py", FLEET, {}, runs)
    module = load_file(f"{FOLDER}/{name}.py").module
    sizes = Sizes()
    with use_backend(sizes):
        getattr(module, name)(**module.EXAMPLE_INPUT)
    for step, calls in sizes.calls.items():
        sent, made = (statistics.mean(column) / CHARACTERS_PER_TOKEN for column in zip(*calls, strict=True))
        first = calls[0][0] / CHARACTERS_PER_TOKEN
        print(f"{step:16} {sent:.0f} tokens in ({first:.0f} at first), {made:.0f} out, {len(calls)} calls")
    for tool, characters in sizes.told.items():
        print(f"{tool:16} tells {characters / CHARACTERS_PER_TOKEN:.0f} tokens")


if __name__ == "__main__":
    every = sorted(file.stem for file in Path(FOLDER).glob("*.py") if file.name != Path(__file__).name)
    for pattern in sys.argv[1:] or every:
        print(f"== {pattern}")
        measure(pattern)
