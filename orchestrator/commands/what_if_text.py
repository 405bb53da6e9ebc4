"""`plan --what-if`: the plan under each change beside the plan as it is, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ir.duration import format_duration
from orchestrator.commands.aims_text import change_text
from orchestrator.commands.text import percent, usd
from orchestrator.report import asked, refusal
from orchestrator.what_if import WhatIf


def what_if_lines(answers: Sequence[WhatIf]) -> Iterator[str]:
    """A line for each change, and below it what moves."""
    for answer in answers:
        yield ""
        yield f"what if {answer.change}: {_verdict(answer)}"
        for move in answer.moves:
            yield f"  {move.name}: {move.before or 'not there'} -> {move.after or 'not there'}"


def what_if_json(answers: Sequence[WhatIf]) -> list[dict[str, Any]]:
    """The same as documents: dollars and seconds of a run, and their differences from the base plan."""
    return [_document(answer) for answer in answers]


def _verdict(answer: WhatIf) -> str:
    plan = answer.result.plan
    if plan is None:
        return f"infeasible: {refusal(answer.result)['message']}"
    promised = plan.promised
    stat = plan.sla.stat if plan.sla else "worst"
    parts = [
        f"{usd(promised.cost_usd)} per run{_more(answer.more_usd, usd)}{_proven(answer)}",
        f"{stat} {format_duration(promised.latency_s)}",
        f"mean {format_duration(promised.latency_mean_s)}{_more(answer.more_s, format_duration)}",
        f"on {', '.join(f'{count} {device}' for device, count in answer.devices.items())}",
    ]
    nothing = "" if answer.moves or answer.more_usd is None else "; nothing moves"
    return "; ".join(parts) + nothing


def _proven(answer: WhatIf) -> str:
    if answer.result.reached:
        return change_text(answer.result, answer.base)
    return "" if answer.result.plan is None else f", gap {percent(answer.result.plan.gap)}"


def _more(difference: float | None, text: Any) -> str:
    if difference is None:
        return ""
    shown = text(abs(difference))
    return f" ({'+' if difference >= 0 else '-'}{shown})"


def _document(answer: WhatIf) -> dict[str, Any]:
    plan = answer.result.plan
    if plan is None:
        return {"change": answer.change, **refusal(answer.result)}
    return {
        "change": answer.change,
        "feasible": True,
        "cost_usd": plan.promised.cost_usd,
        "more_usd": answer.more_usd,
        "bound_usd": plan.bound_usd,
        "gap": plan.gap,
        **asked(answer.result),
        "latency_s": plan.promised.latency_s,
        "latency_mean_s": plan.promised.latency_mean_s,
        "more_s": answer.more_s,
        "devices": answer.devices,
        "moves": [asdict(move) for move in answer.moves],
    }
