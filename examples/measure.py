"""Measures the steps of an example, so that the priors in its decorators come from a command and not from a guess.

Planning needs each step's expected latency and tokens; a profile of many runs replaces these priors later.
"""

import json
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import to_jsonable_python

RUNS = 5
TIME_SCALE = 0.1
CHARACTERS_PER_TOKEN = 4  # a usual rule of thumb for English text
HOST_STEPS = ("tool.invoke", "memory.", "agent.compute")

Prompts = Mapping[Any, Mapping[str, Any]]
"""Model steps and the arguments of one call of each."""


def print_priors(file: str, fleet: str, prompts: Prompts, runs: int = RUNS) -> None:
    """The latency of each step on a CPU core over some runs on Ray; the tokens of each model step."""
    for name, times_s in times_of_steps(report_of_run(file, fleet) for _ in range(runs)).items():
        mean_ms, sd_ms = 1e3 * statistics.mean(times_s), 1e3 * statistics.pstdev(times_s)
        print(f"{name:16} {mean_ms:.1f} ms, deviation {sd_ms:.1f} ms ({runs} runs)")
    for step, arguments in prompts.items():
        tokens_in, tokens_out = tokens_of(step, to_jsonable_python(arguments))
        print(f"{step.__name__:16} about {tokens_in:.0f} tokens in, {tokens_out:.0f} out")


def report_of_run(file: str, fleet: str) -> dict[str, Any]:
    """The report of one run of the example on its example input."""
    program = "from orchestrator.cli import main; main()"
    options = ["run", file, "--fleet", fleet, "--time-scale", str(TIME_SCALE), "--json"]
    done = subprocess.run([sys.executable, "-c", program, *options], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def times_of_steps(reports: Iterable[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Measured seconds of the steps on CPU cores by function name, one entry for each operator and run."""
    times_s: dict[str, list[float]] = defaultdict(list)
    for report in reports:
        for operator in report["operators"]:
            if operator["op"].startswith(HOST_STEPS) and operator["count"]:
                times_s[operator["name"]].append(operator["measured_s"])
    return dict(times_s)


def tokens_of(step: Any, arguments: Mapping[str, Any]) -> tuple[float, float]:
    """Tokens of a model step's prompt and of its simulated answer, estimated from their characters."""
    sent = step.render_json(arguments)["messages"]
    answer = step.simulate_json(arguments, sent)
    written = answer if isinstance(answer, str) else json.dumps(answer)
    return sum(len(message["content"]) for message in sent) / CHARACTERS_PER_TOKEN, len(written) / CHARACTERS_PER_TOKEN
