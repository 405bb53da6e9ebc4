"""Fills the rows of the options table: for one operator, every device class, degree and precision that can run it.

A measured profile row replaces the formulas on its device class; an operator that nothing prices is an error, never a
zero. What cannot run somewhere is kept as a reason, so that "why not there" has an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from costmodel.errors import CatalogError, CostError
from costmodel.fleet import DeviceClass
from costmodel.models import ModelCatalog
from placement.formula_rows import prior_rows, roofline_rows
from placement.fused_rows import fused_rows
from placement.measured_rows import function_rows, measured, model_rows
from placement.operators import OperatorSpec
from placement.part_pools import WHOLE_PHASES
from placement.pricing import Pricing, Refusal, Row, runs_functions

__all__ = ["Pricing", "Row", "Rows", "rows_of", "with_known_models"]

_PLACES_NAMED = 3


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one operator, and why other places have none."""

    rows: tuple[Row, ...]
    rejected: tuple[str, ...]


def rows_of(spec: OperatorSpec, pricing: Pricing) -> Rows:
    """Every row of an operator; none where limits such as memory forbid it everywhere.

    Raises `CostError` when there is none because no rule, row or prior prices it.
    """
    fill = _of_model if spec.models else _of_function
    found = [each for device_class in pricing.fleet.classes for each in fill(spec, device_class, pricing)]
    rows = tuple(each for each in found if isinstance(each, Row))
    refusals = [each for each in found if isinstance(each, Refusal)]
    unpriced = [refusal for refusal in refusals if not refusal.is_limit]
    if not rows and (unpriced or not refusals):
        raise CostError(_unpriced(spec, pricing, unpriced))
    return Rows(rows, tuple(map(str, refusals)))


def with_known_models(spec: OperatorSpec, models: ModelCatalog) -> OperatorSpec:
    """The operator with its models' ids for aliases, each once. Raises `CatalogError` for an unknown model."""
    try:
        ids = (models.model(name).id for name in spec.models)
        return replace(spec, models=tuple(dict.fromkeys(ids)))
    except CatalogError as error:
        raise CatalogError(f"{spec.function!r}: {error}") from error


def _of_function(spec: OperatorSpec, device_class: DeviceClass, pricing: Pricing) -> Iterator[Row | Refusal]:
    if not runs_functions(device_class):
        return
    if spec.members:
        members = [(member.function, tuple(_of_function(member, device_class, pricing))) for member in spec.members]
        yield from fused_rows(device_class, members)
        return
    rows = measured(spec, device_class, pricing)
    yield from function_rows(spec, device_class, pricing, rows) if rows else prior_rows(spec, device_class, pricing)


def _of_model(spec: OperatorSpec, device_class: DeviceClass, pricing: Pricing) -> Iterator[Row | Refusal]:
    rows = measured(spec, device_class, pricing)
    if rows:
        yield from model_rows(spec, device_class, pricing, rows)
    elif (task := _measured_whole(spec, device_class, pricing)) is not None:
        yield Refusal(
            device_class.id, f"its profile measured {task!r} and not {spec.task!r}", is_limit=_is_optional(spec)
        )
    else:
        yield from roofline_rows(spec, device_class, pricing)


def _measured_whole(spec: OperatorSpec, device_class: DeviceClass, pricing: Pricing) -> str | None:
    """The task that this is a part of, where a measurement prices it: a formula beside it would compare unlike."""
    whole = WHOLE_PHASES.get(spec.phase)
    for task in (spec.whole_task, None if whole is None else replace(spec, phase=whole).task):
        if task is not None and any(row.device == device_class.id for row in pricing.fleet.profile.rows(task)):
            return task
    return None


def _is_optional(spec: OperatorSpec) -> bool:
    """Whether an operator is of an alternative that stands beside the whole, so that it need not be priced."""
    return spec.phase in WHOLE_PHASES


def _unpriced(spec: OperatorSpec, pricing: Pricing, refusals: Sequence[Refusal]) -> str:
    remedy = f"give a profile row for task {spec.task!r}"
    if spec.members:
        remedy = "give each of them latency= and cost_usd= in its decorator, or profile rows of all on one class"
    elif spec.phase == "call":
        remedy += f", or {' and '.join(spec.prior.lacking)} in the decorator (a zero must be written)"
    elif spec.op.startswith("llm.") and spec.whole_task is None:
        remedy += ", or tokens_in= and tokens_out= in the decorator"
    if not refusals:
        nowhere = "CPU cores" if not spec.models else "devices"
        why, remedy = (
            f"fleet {pricing.fleet.name!r} has no {nowhere} to run it",
            f"add a class with {nowhere} to the fleet file",
        )
    else:
        why = "; ".join(_grouped(refusals))
    return f"no cost rule prices {spec.id!r} ({spec.op}) on any device: {why}. Remedy: {remedy}"


def _grouped(refusals: Sequence[Refusal]) -> Iterator[str]:
    """Each reason once, with the first places that it holds for."""
    places: dict[str, list[str]] = {}
    for refusal in refusals:
        places.setdefault(refusal.why, []).append(refusal.place)
    for why, where in places.items():
        more = f" and {len(where) - _PLACES_NAMED} more" if len(where) > _PLACES_NAMED else ""
        yield f"{', '.join(where[:_PLACES_NAMED])}{more}: {why}"
