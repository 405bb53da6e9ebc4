"""Measurements from our own runs: what a run's report and its plan say of how text generators were served.

Only work of real devices counts. The plan knows model, device, degree, precision and token counts, the report how long
prefill and decode took.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from costmodel.catalog import load_catalog
from costmodel.errors import CatalogError, ProfileError
from costmodel.measured import Left, Measured
from costmodel.models import load_models
from costmodel.points import Point, why_not_served
from placement.plan import Plan, PlanOperator, PlanPool


def measured_from_run(report: Path, plan: Path) -> tuple[tuple[Measured, ...], tuple[Left, ...]]:
    """A measured point for each decode of the run, with the prefill before it, and the operators that give none.

    A decode of n tokens makes n - 1 after the first, which prefill gives; its calls ran alone, as one run makes one
    call of an operator at a time. Raises ProfileError when the files are no report and plan, or do not belong together.
    """
    document, of = _read(report, plan)
    operators = {str(each["id"]): each for each in cast(list[dict[str, Any]], document["operators"])}
    used: list[Measured] = []
    left: list[Left] = []
    for operator in of.operators:
        if operator.op != "llm.decode":
            continue
        where = f"{report.name}: {operator.id}"
        try:
            used.append(_measured(operator, operators, of, report.stem))
        except (CatalogError, ValueError, KeyError) as error:
            left.append(Left(where, str(error)))
    return tuple(used), tuple(left)


def _measured(operator: PlanOperator, seen: Mapping[str, Mapping[str, Any]], plan: Plan, dataset: str) -> Measured:
    row = seen[operator.id]
    if row["simulated"]:
        raise ValueError("it ran on a simulated device, whose times are predictions")
    decode_s = cast(float | None, row["measured_s"])
    if decode_s is None:
        raise ValueError("no attempt succeeded")
    pool = next(each for each in plan.pools if each.id == operator.routes[0].pool)
    point = _point(operator, pool)
    reason = why_not_served(point)
    if reason is not None:
        raise ValueError(reason)
    if point.tokens_out < 2:
        raise ValueError("an answer of one token has no time between tokens")
    prefill = seen.get(f"{operator.id.removesuffix('.decode')}.prefill", {})
    ttft_s = None if prefill.get("simulated", True) else cast(float | None, prefill.get("measured_s"))
    return Measured(point, ttft_s, decode_s / (point.tokens_out - 1), dataset)


def _point(operator: PlanOperator, pool: PlanPool) -> Point:
    if operator.model is None or pool.precision is None:
        raise ValueError("the plan names no model or precision")
    return Point(
        load_models().model(operator.model),
        load_catalog("default").device(pool.device),
        pool.tp,
        pool.precision,
        operator.demand["tokens_in"],
        operator.demand["tokens_out"],
        1,
    )


def _read(report: Path, plan: Path) -> tuple[dict[str, Any], Plan]:
    import json

    try:
        document: object = json.loads(report.read_text(encoding="utf-8"))
        of = Plan.model_validate_json(plan.read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError) as error:
        raise ProfileError(
            f"a run's report and its plan cannot be read ({error}); give `run --json` and `plan --out`"
        ) from error
    if not isinstance(document, dict) or "operators" not in document or "agent" not in document:
        raise ProfileError(f"{report}: no report of a run; give the output of `run --json`")
    found = cast(dict[str, Any], document)
    if found["agent"] != of.agent:
        raise ProfileError(f"{report} is of agent {found['agent']!r}, the plan {plan} of {of.agent!r}")
    return found, of
