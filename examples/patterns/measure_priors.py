"""Measures the priors of the patterns on their example inputs, so that each number in a decorator has a command.

python examples/patterns/measure_priors.py [NAME ...]
"""

import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import unwrap
from pathlib import Path
from types import ModuleType
from typing import Any

from examples.measure import CHARACTERS_PER_TOKEN, print_priors
from orchestrator.call_function import CallFunction
from orchestrator.eager import LlmRequest, SimulatedBackend, use_backend
from orchestrator.functions import load_file
from orchestrator.turns import Turn

FOLDER = Path(__file__).resolve().parent


class Sizes(SimulatedBackend):
    """Answers as the simulated model does; keeps the tokens of every prompt and answer and of what tools told it."""

    def __init__(self) -> None:
        self.tokens: dict[str, list[tuple[float, float]]] = {}
        self.told: dict[str, float] = {}

    def respond(self, request: LlmRequest) -> Turn:
        turn = super().respond(request)
        sent = sum(len(message["content"] or str(message)) for message in request.messages) / CHARACTERS_PER_TOKEN
        told = {message["name"]: message["content"] for message in request.messages if message["role"] == "tool"}
        self.told.update({name: len(content) / CHARACTERS_PER_TOKEN for name, content in told.items()})
        made = len(turn.content or str(turn.tool_calls)) / CHARACTERS_PER_TOKEN
        self.tokens.setdefault(request.function.__name__, []).append((sent, made))
        return turn


@contextmanager
def first_arguments(module: ModuleType) -> Iterator[dict[CallFunction[..., Any], dict[str, Any]]]:
    """Collects the arguments of the first call of each step that the file itself defines."""
    seen: dict[CallFunction[..., Any], dict[str, Any]] = {}

    def noting(step: CallFunction[..., Any], body: Callable[..., Any]) -> Callable[..., Any]:
        def call_body(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            seen.setdefault(step, dict(step.signature.bind(*args, **kwargs).arguments))
            return body(args, kwargs)

        return call_body

    steps = [value for value in vars(module).values() if isinstance(value, CallFunction)]
    own = [step for step in steps if unwrap(step).__code__.co_filename == module.__file__]
    for step in own:
        step.call_body = noting(step, step.call_body)
    yield seen
    for step in own:
        del step.call_body


def measure(name: str) -> None:
    """The first and the warm latency of each step of a pattern, and the mean tokens of its model steps."""
    module = load_file(FOLDER / f"{name}.py").module
    sizes = Sizes()
    with use_backend(sizes), first_arguments(module) as calls:
        getattr(module, name)(**module.EXAMPLE_INPUT)
    print(f"== {name}")
    print_priors(calls, {})
    for step, tokens in sizes.tokens.items():
        sent, made = (statistics.mean(column) for column in zip(*tokens, strict=True))
        print(f"{step:16} {sent:.0f} tokens in ({tokens[0][0]:.0f} at first), {made:.0f} out ({len(tokens)} calls)")
    for tool, told in sizes.told.items():
        print(f"{tool:16} tells the model {told:.0f} tokens")


if __name__ == "__main__":
    for pattern in sys.argv[1:] or sorted(
        file.stem for file in FOLDER.glob("*.py") if file != Path(__file__).resolve()
    ):
        measure(pattern)
