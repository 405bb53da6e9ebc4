"""Fills the rows of the options table: for one operator, every device class, degree and precision that can run it.

A measured profile row replaces the roofline on its device class; an operator that nothing prices is an error, never a
zero. What cannot run somewhere is kept as a reason, so that "why not there" has an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from costmodel.errors import CostError
from costmodel.estimate import Estimate, estimate_llm, estimate_model_run, fits, tensor_parallel_degrees
from costmodel.fleet import DeviceClass, Fleet
from costmodel.hardware import Device
from costmodel.models import Model, ModelCatalog
from costmodel.profile import Profile, ProfileRow
from costmodel.tco import price
from placement.operators import OperatorSpec
from placement.problem import Pool

_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Pricing:
    """What prices a problem: the fleet with its profile, model shapes, and which precisions and batch to offer."""

    fleet: Fleet
    models: ModelCatalog
    precisions: tuple[str, ...] = ("fp16",)
    batch: int = 1


@dataclass(frozen=True, slots=True)
class Seat:
    """A model on `tp` devices of a class whose hardware the catalog knows."""

    device_class: DeviceClass
    device: Device
    model: Model
    tp: int
    precision: str


@dataclass(frozen=True, slots=True)
class Row:
    """One way to run an operator; `latency_s` and `cost_usd` are of one visit."""

    pool: Pool
    latency_s: float
    cost_usd: float
    source: str
    batch: int = 1
    bound_by: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one operator, and why other classes have none."""

    rows: tuple[Row, ...]
    rejected: tuple[str, ...]


def rows_of(spec: OperatorSpec, pricing: Pricing) -> Rows:
    """Every row of an operator. Raises `CostError` when no device class has any rule, row or prior to price it by."""
    fill = _fill_cpu if not spec.models else _fill_model
    found: list[Row] = []
    rejected: list[str] = []
    for device_class in pricing.fleet.classes:
        for row in fill(spec, device_class, pricing):
            if isinstance(row, str):
                rejected.append(row)
            else:
                found.append(row)
    if not found and not any(reason.startswith("memory") for reason in rejected):
        raise CostError(_unpriced(spec, pricing, rejected))
    return Rows(tuple(found), tuple(rejected))


def _unpriced(spec: OperatorSpec, pricing: Pricing, rejected: list[str]) -> str:
    why = "; ".join(rejected) or f"fleet {pricing.fleet.name!r} has no device class of a kind that it can use"
    remedy = f"give a profile row for task {spec.task!r}"
    if spec.phase == "call":
        remedy += ", or latency= and cost_usd= in the decorator (a zero must be written)"
    elif spec.phase in {"prefill", "decode"}:
        remedy += ", or tokens_in= and tokens_out= in the decorator and a model of the catalog"
    return f"no cost rule prices {spec.id!r} ({spec.op}) on any device: {why}. Remedy: {remedy}"


def usd_per_s(device_class: DeviceClass, fleet: Fleet) -> float:
    """Price of one device in use, US dollars per second."""
    return price(device_class, fleet).usd_per_hour / _SECONDS_PER_HOUR


def cpu_pool(device_class: DeviceClass) -> Pool:
    """The pool of a CPU class that runs users' functions, one core a call."""
    return Pool(
        id=f"{device_class.id}/functions",
        device=device_class.id,
        site=device_class.site,
        tp=1,
        model=None,
        precision=None,
        place=device_class.id,
        kv_place=device_class.id,
        driver=device_class.driver,
    )


def model_pool(device_class: DeviceClass, model: str, tp: int, precision: str) -> Pool:
    """The pool that holds a model on `tp` devices; a CPU class runs users' functions, but models only simulated."""
    return Pool(
        id=f"{device_class.id}/{model}/tp{tp}/{precision}",
        device=device_class.id,
        site=device_class.site,
        tp=tp,
        model=model,
        precision=precision,
        place=device_class.id,
        kv_place=f"{device_class.id}/{model}",
        driver="simulated" if device_class.driver == "cpu" else device_class.driver,
    )


def _fill_cpu(spec: OperatorSpec, device_class: DeviceClass, pricing: Pricing) -> Iterator[Row | str]:
    if device_class.driver != "cpu":
        return
    pool = cpu_pool(device_class)
    measured = [row for row in pricing.fleet.profile.rows(spec.task) if row.device == device_class.id]
    if measured:
        yield from (_profile_row(row, pool, usd_per_s(device_class, pricing.fleet)) for row in measured)
        return
    if spec.prior is None:
        yield f"{device_class.id}: no profile row and no prior"
        return
    cost_usd = spec.prior.cost_usd + usd_per_s(device_class, pricing.fleet) * spec.prior.cpu_s
    yield Row(pool, spec.prior.latency_s, cost_usd, "prior")


def _fill_model(spec: OperatorSpec, device_class: DeviceClass, pricing: Pricing) -> Iterator[Row | str]:
    measured = [row for row in pricing.fleet.profile.rows(spec.task) if row.device == device_class.id]
    if measured:
        yield from _measured_rows(spec, device_class, pricing, measured)
        return
    if device_class.device is None:
        yield f"{device_class.id}: not in the catalog and without a profile row for {spec.task!r}"
        return
    device = device_class.device
    for model in (pricing.models.model(name) for name in spec.models):
        for tp in tensor_parallel_degrees(model, device, device_class.count):
            for precision in pricing.precisions:
                yield _roofline_row(spec, Seat(device_class, device, model, tp, precision), pricing)


def _measured_rows(
    spec: OperatorSpec, device_class: DeviceClass, pricing: Pricing, measured: list[ProfileRow]
) -> Iterator[Row]:
    if len(spec.models) != 1:
        raise CostError(
            f"profile rows of {spec.task!r} do not say which of {', '.join(spec.models)} they measured; "
            "give the call one model, or take the rows out"
        )
    (model,) = spec.models
    for row in measured:
        _check_tokens(spec, row)
        pool = model_pool(device_class, model, row.tp, "fp16")
        yield _profile_row(row, pool, usd_per_s(device_class, pricing.fleet) * row.tp)


def _check_tokens(spec: OperatorSpec, row: ProfileRow) -> None:
    for name, asked, measured in (
        ("tokens_in", spec.tokens_in, row.tokens_in),
        ("tokens_out", spec.tokens_out, row.tokens_out),
    ):
        if asked is not None and measured is not None and asked != measured:
            raise CostError(
                f"profile row of {spec.task!r} on {row.device!r} was measured at {name}={measured:g}, "
                f"the call has {asked:g}; measure at its size or set {name}={measured:g} in the decorator"
            )


def _profile_row(row: ProfileRow, pool: Pool, usd_per_s_: float) -> Row:
    cost_usd = row.cost_usd if row.cost_usd is not None else usd_per_s_ * row.latency_s
    return Row(pool, row.latency_s, cost_usd, "profile", notes=(f"measured: {row.source}",) if row.source else ())


def _roofline_row(spec: OperatorSpec, seat: Seat, pricing: Pricing) -> Row | str:
    pool = model_pool(seat.device_class, seat.model.id, seat.tp, seat.precision)
    fit = fits(seat.model, seat.device, seat.tp, seat.precision, pricing.batch, spec.context_tokens)
    if not fit.ok:
        return (
            f"memory: {pool.id} needs {fit.needed_bytes / 1e9:.1f} GB a device and has {fit.available_bytes / 1e9:.1f}"
        )
    batch = pricing.batch if spec.phase == "decode" else 1
    try:
        estimate = _ESTIMATORS[spec.phase](spec, seat, batch)
    except CostError as error:
        return f"{pool.id}: {error}"
    cost_usd = usd_per_s(seat.device_class, pricing.fleet) * seat.tp * estimate.latency_s / batch
    return Row(pool, estimate.latency_s, cost_usd, "roofline", batch, estimate.bound_by, estimate.notes)


def _estimate_prefill(spec: OperatorSpec, seat: Seat, batch: int) -> Estimate:
    tokens_in, tokens_out = _tokens(spec)
    return estimate_llm(seat.model, "prefill", seat.device, seat.tp, seat.precision, batch, tokens_in, tokens_out)


def _estimate_decode(spec: OperatorSpec, seat: Seat, batch: int) -> Estimate:
    tokens_in, tokens_out = _tokens(spec)
    return estimate_llm(seat.model, "decode", seat.device, seat.tp, seat.precision, batch, tokens_in, tokens_out)


def _estimate_run(spec: OperatorSpec, seat: Seat, batch: int) -> Estimate:
    return estimate_model_run(
        seat.model,
        seat.device,
        seat.tp,
        seat.precision,
        batch,
        audio_s=spec.audio_s,
        tokens=spec.tokens_in,
        images=spec.images,
    )


_ESTIMATORS: dict[str, Callable[[OperatorSpec, Seat, int], Estimate]] = {
    "prefill": _estimate_prefill,
    "decode": _estimate_decode,
    "run": _estimate_run,
}


def _tokens(spec: OperatorSpec) -> tuple[float, float]:
    if spec.tokens_in is None or spec.tokens_out is None:
        missing = "tokens_in" if spec.tokens_in is None else "tokens_out"
        raise CostError(f"{spec.function!r} states no {missing}")
    return spec.tokens_in, spec.tokens_out


def with_tokens(spec: OperatorSpec, profile: Profile) -> OperatorSpec:
    """The operator with the token counts that all its profile rows agree on, where the author stated none."""
    rows = profile.rows(spec.task)
    counts_in = {row.tokens_in for row in rows} - {None}
    counts_out = {row.tokens_out for row in rows} - {None}
    tokens_in = spec.tokens_in if spec.tokens_in is not None or len(counts_in) != 1 else counts_in.pop()
    tokens_out = spec.tokens_out if spec.tokens_out is not None or len(counts_out) != 1 else counts_out.pop()
    return replace(spec, tokens_in=tokens_in, tokens_out=tokens_out)
