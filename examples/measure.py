"""Measures the steps of an example, so that the priors in its decorators come from a command and not from a guess.

Planning needs each step's expected latency and tokens; a profile of real runs replaces these priors later.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.codec import messages, simulated_turn

REPEATS = 300
CHARACTERS_PER_TOKEN = 4  # a usual rule of thumb for English text

Step = Callable[..., object]
Arguments = tuple[Any, ...]


def print_priors(calls: Mapping[Step, Arguments], prompts: Mapping[Step, Arguments]) -> None:
    """The latency of each step of `calls` when warm; the size of each model step's prompt and simulated answer."""
    for step, arguments in calls.items():
        _, *warm_s = latencies_s(step, arguments)
        mean_ms, sd_ms = 1e3 * statistics.mean(warm_s), 1e3 * statistics.stdev(warm_s)
        print(f"{step.__name__:16} {mean_ms:6.3f} ms, deviation {sd_ms:.3f} ms ({REPEATS} calls)")
    for step, arguments in prompts.items():
        sent = messages(step, step.call_body(arguments, {}))
        answer = simulated_turn(step, arguments, {}, sent)
        tokens_in = sum(len(message["content"]) for message in sent) / CHARACTERS_PER_TOKEN
        tokens_out = len(answer.content or str(answer.tool_calls)) / CHARACTERS_PER_TOKEN
        print(f"{step.__name__:16} about {tokens_in:.0f} tokens in, {tokens_out:.0f} out")


def latencies_s(step: Step, arguments: Arguments) -> list[float]:
    """Seconds of each of many calls; the first fills the caches."""
    times_s: list[float] = []
    for _ in range(1 + REPEATS):
        start = time.perf_counter()
        step(*arguments)
        times_s.append(time.perf_counter() - start)
    return times_s
