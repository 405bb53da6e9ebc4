"""Measuring an example reads real runs: times of the steps on cores, tokens of the model steps."""

from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture
def measure(example: Callable[[str], ModuleType]) -> ModuleType:
    return example("measure")


def operator(name: str, op: str, measured_s: float, count: int = 1) -> dict[str, object]:
    return {"name": name, "op": op, "measured_s": measured_s, "count": count}


def test_only_steps_that_ran_on_a_core_count(measure: ModuleType) -> None:
    first = [
        operator("search", "tool.invoke", 0.004),
        operator("check", "agent.compute", 0.001),
        operator("check", "agent.compute", 0.003),  # the same function, called again in the loop
        operator("recall", "memory.lookup", 0.002),
        operator("write", "llm.render", 0.009),
        operator("write", "llm.decode", 1.0),
        operator("speak", "model.run", 0.5),
        operator("skipped", "tool.invoke", 0.0, count=0),
    ]
    second = [operator("search", "tool.invoke", 0.006)]
    assert measure.times_of_steps([{"operators": first}, {"operators": second}]) == {
        "search": [0.004, 0.006],
        "check": [0.001, 0.003],
        "recall": [0.002],
    }


def test_tokens_are_a_quarter_of_the_characters(measure: ModuleType, example: Callable[[str], ModuleType]) -> None:
    worked = example("worked_example")
    # the system prompt has 33 characters, the question 7, the label and words before it in the answer 40
    assert measure.tokens_of(worked.answer, {"question": "Really?"}) == ((33 + 7) / 4, (40 + 7) / 4)


@pytest.mark.ray
def test_the_priors_of_the_voice_agent_come_from_runs(
    measure: ModuleType, example: Callable[[str], ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    example("voice_agent").measure(runs=1)
    lines = capsys.readouterr().out.splitlines()
    steps = ["recall", "choose_language", "web_search", "prepare_speech", "converse"]
    assert [line.split()[0] for line in lines] == steps
    assert all(float(line.split()[1]) > 0 for line in lines[:4])
