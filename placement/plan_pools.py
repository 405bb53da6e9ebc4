"""Writes the pools of a plan: one for each distinct model, degree and precision on a class, one for each CPU class.

In metered mode a pool is not sized by load; it gets as many places as calls of one run can meet in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import cast

from costmodel.errors import CostError, FleetError
from costmodel.fleet import DeviceClass, Fleet
from costmodel.hardware import Device
from costmodel.loading import load_s
from costmodel.memory import kv_capacity_tokens
from costmodel.part import Half, half_coefficients, part_kv_capacity_tokens
from costmodel.roofline import step_coefficients
from costmodel.tco import price
from placement import plan
from placement.from_ir import Lowered
from placement.part_pools import PARTS
from placement.problem import Block, BranchNode, ChooseNode, FanoutNode, LoopNode, Node, OpNode, Option, Pool
from placement.transfers import KV_PRECISION

_PHASES = {part: phase for phase, part in PARTS.items()}
"""What a pool with a part of a model does, as the plan names it."""


def write_pools(lowered: Lowered, taken: Mapping[int, Option]) -> list[plan.PlanPool]:
    """The pools that the chosen rows use, in the table's order."""
    members: dict[int, set[int]] = {}
    for operator, option in taken.items():
        members.setdefault(option.pool, set()).add(operator)
    models = [lowered.problem.pools[index] for index in members if lowered.problem.pools[index].model is not None]
    written: list[plan.PlanPool] = []
    for index in sorted(members):
        pool, calls = lowered.problem.pools[index], peak(lowered.problem.root, members[index])
        if pool.model is None:
            written.append(_functions(lowered, pool, calls, models))
        else:
            batch = max(taken[operator].batch for operator in members[index])
            written.append(serving_pool(lowered, pool, max(calls, batch)))
    return written


def _functions(lowered: Lowered, pool: Pool, calls: int, models: list[Pool]) -> plan.PlanPool:
    """A pool of users' functions: a core for each call that may be under way, of those that no model holds."""
    fleet = lowered.pricing.fleet
    device_class = fleet.device_class(pool.device)
    held = sum(other.tp for other in models if other.device == pool.device)
    return plan.PlanPool(
        id=pool.id,
        device=pool.device,
        site=pool.site,
        driver=pool.driver,
        model=None,
        phase=None,
        tp=pool.tp,
        precision=None,
        batch=1,
        replicas=max(1, min(calls, device_class.count - held)),
        engine="cpu",
        usd_per_hour=_usd_per_hour(device_class, fleet),
    )


def serving_pool(lowered: Lowered, pool: Pool, calls: int) -> plan.PlanPool:
    """A pool that serves a model on one replica, with a slot for each call that may be under way."""
    fleet = lowered.pricing.fleet
    device_class = fleet.device_class(pool.device)
    engine = _engine(lowered, pool, device_class.device)
    return plan.PlanPool(
        id=pool.id,
        device=pool.device,
        site=pool.site,
        driver=pool.driver,
        model=pool.model,
        phase=_PHASES.get(pool.part or ""),
        tp=pool.tp,
        precision=pool.precision,
        batch=calls,
        replicas=1,
        step=engine.step,
        kv_bytes_per_token=engine.kv_bytes_per_token,
        kv_capacity_tokens=engine.kv_capacity_tokens,
        engine="continuous",
        start_s=_start_s(lowered, pool, device_class.device),
        usd_per_hour=_usd_per_hour(device_class, fleet),
    )


def _start_s(lowered: Lowered, pool: Pool, device: Device | None) -> float | None:
    """Seconds to load the model; None where nobody says how fast the device's bus is, or which device it is."""
    if pool.model is None or pool.precision is None or device is None:
        return None
    try:
        return load_s(lowered.pricing.models.model(pool.model), device, pool.precision, pool.tp)
    except CostError:
        return None


def _usd_per_hour(device_class: DeviceClass, fleet: Fleet) -> float | None:
    """The price of a device; None for a class without one, which only rows with a measured cost can use."""
    try:
        return price(device_class, fleet).usd_per_hour
    except FleetError:
        return None


@dataclass(frozen=True, slots=True)
class _Engine:
    """What an engine needs to know of its model; nothing where the pool serves no text generator of the catalog."""

    step: plan.StepCoefficients | None = None
    kv_bytes_per_token: float | None = None
    kv_capacity_tokens: int | None = None


def _engine(lowered: Lowered, pool: Pool, device: Device | None) -> _Engine:
    if pool.model is None or pool.precision is None or device is None:
        return _Engine()
    model = lowered.pricing.models.model(pool.model)
    if not model.is_text_generator:
        return _Engine()
    if pool.part is not None:
        half = cast(Half, pool.part)
        return _Engine(
            plan.StepCoefficients(values=half_coefficients(model, half, device, pool.tp, pool.precision).values()),
            model.kv_bytes_per_token_fp16 if half == "attention" else None,
            part_kv_capacity_tokens(model, half, device, pool.tp),
        )
    coefficients = step_coefficients(model, device, pool.tp, pool.precision, KV_PRECISION)
    return _Engine(
        plan.StepCoefficients(values=coefficients.values()),
        model.kv_bytes_per_token_fp16,
        kv_capacity_tokens(model, device, pool.tp, pool.precision, kv_precision=KV_PRECISION),
    )


def peak(block: Block, operators: Set[int]) -> int:
    """An upper bound of how many calls of these operators one run may have under way at once.

    Nodes of which one waits for the other, directly or not, never meet. So a node with n calls takes over the slots of
    up to n calls behind it, and needs new ones only for the rest. A react's turn counts one call of a tool.
    """
    behind: list[set[int]] = []  # [node] the nodes that it waits for, directly or not
    slots: list[int] = []  # [node] the slots that it was the last to use
    for node, waits in zip(block.nodes, block.waits_for, strict=True):
        behind.append(set(waits).union(*(behind[one] for one in waits)))
        calls = needed = _calls(node, operators)
        for one in behind[-1]:
            taken = min(needed, slots[one])
            slots[one] -= taken
            needed -= taken
        slots.append(calls)
    return sum(slots)


def _calls(node: Node, operators: Set[int]) -> int:
    match node:
        case OpNode(operator):
            return int(operator in operators)
        case FanoutNode(max_width=most, block=inner):
            return most * peak(inner, operators)
        case LoopNode(block=inner):
            return peak(inner, operators)
        case BranchNode(blocks=blocks) | ChooseNode(blocks=blocks):
            return max(peak(inner, operators) for inner in blocks)
