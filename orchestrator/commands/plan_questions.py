"""The questions that `plan` answers below a plan: what if, the front of cost and latency, and today's placement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.pipeline import PlanResult


@dataclass(frozen=True, slots=True)
class Questions:
    """What was asked beside the plan."""

    what_if: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers as lines to print below the plan, and as keys to add to its document."""

    lines: list[str]
    document: dict[str, Any]


def answer(result: PlanResult, asked: Questions) -> Answers:
    """Answers what was asked, in order."""
    found = Answers([], {})
    if asked.what_if:
        _what_if(result, asked.what_if, found)
    return found


def _what_if(result: PlanResult, changes: Sequence[str], found: Answers) -> None:
    from orchestrator.commands.what_if_text import what_if_json, what_if_lines
    from orchestrator.what_if import what_if

    answers = what_if(result, changes)
    found.lines.extend(what_if_lines(answers))
    found.document["what_if"] = what_if_json(answers)
