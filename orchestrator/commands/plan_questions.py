"""The questions that `plan` answers below a plan: what if, the front of cost and latency, and today's placement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.pipeline import PlanResult


@dataclass(frozen=True, slots=True)
class Questions:
    """What was asked beside the plan."""

    what_if: Sequence[str] = ()
    pareto: bool = False
    figure: Path | None = None
    compare: Path | None = None


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
    if asked.pareto or asked.figure is not None:
        _pareto(result, asked.figure, found)
    if asked.compare is not None:
        _compare(result, asked.compare, found)
    return found


def _what_if(result: PlanResult, changes: Sequence[str], found: Answers) -> None:
    from orchestrator.commands.what_if_text import what_if_json, what_if_lines
    from orchestrator.what_if import what_if

    answers = what_if(result, changes)
    found.lines.extend(what_if_lines(answers))
    found.document["what_if"] = what_if_json(answers)


def _pareto(result: PlanResult, figure: Path | None, found: Answers) -> None:
    from orchestrator.commands.pareto_figure import check_drawable, draw_front
    from orchestrator.commands.pareto_text import pareto_json, pareto_lines
    from placement.pareto import pareto

    if figure is not None:
        check_drawable()
    front = pareto(result.problem, time_s=result.request.time_limit_s)
    found.lines.extend(pareto_lines(front, result))
    found.document["pareto"] = pareto_json(front, result)
    if figure is not None:
        draw_front(front, result, figure)


def _compare(result: PlanResult, file: Path, found: Answers) -> None:
    from orchestrator.commands.compare_text import compare_json, compare_lines
    from orchestrator.compare import compare
    from placement.today_document import load_today

    answer = compare(result, load_today(file))
    found.lines.extend(compare_lines(answer))
    found.document["compare"] = compare_json(answer)
