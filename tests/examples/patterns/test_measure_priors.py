"""The priors of a pattern can be measured: steps on cores from a run on Ray, tokens from a run in this process."""

from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.mark.ray
def test_a_pattern_is_measured(pattern: Callable[[str], ModuleType], capsys: pytest.CaptureFixture[str]) -> None:
    pattern("measure_priors").measure("single_agent_with_tools", runs=1)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == [
        *("search_docs", "find_text", "calculate"),  # on cores
        "answer",
        *("search_docs", "find_text", "calculate"),  # what they tell the model
    ]
    assert all(float(line[1]) > 0 for line in lines[:4])


def test_tokens_are_a_quarter_of_the_characters(
    pattern: Callable[[str], ModuleType], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = pattern("measure_priors")
    monkeypatch.setattr(module, "print_priors", lambda *_: None)
    module.measure("custom_graph")
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("judge_tone")]
    # The system prompt "You name the tone of a text in one word." has 40 characters, the example's text 217, and
    # "[simulated text] certain" 24: (40 + 217) / 4 = 64.25 and 24 / 4 = 6.
    assert told == ["judge_tone       64 tokens in (64 at first), 6 out, 1 calls"]
