"""Writes the pools of a plan: one for each distinct model, degree and precision on a class, one for each CPU class.

In metered mode a pool is not sized by load; it gets as many places as calls of one run can meet in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from costmodel.hardware import Device
from costmodel.memory import kv_capacity_tokens
from costmodel.roofline import step_coefficients
from costmodel.tco import price
from placement import plan
from placement.from_ir import Lowered
from placement.problem import Block, BranchNode, ChooseNode, FanoutNode, LoopNode, OpNode, Option, Pool
from placement.transfers import KV_PRECISION


def write_pools(lowered: Lowered, taken: Mapping[int, Option]) -> list[plan.PlanPool]:
    """The pools that the chosen rows use, in the table's order."""
    meet = _meeting(lowered.problem.root)
    used: dict[int, list[int]] = {}
    for operator, option in taken.items():
        used.setdefault(option.pool, []).append(operator)
    return [
        _pool(lowered, lowered.problem.pools[pool], _places(operators, taken, meet))
        for pool, operators in sorted(used.items())
    ]


def _places(operators: Iterable[int], taken: Mapping[int, Option], meet: Mapping[int, int]) -> int:
    """How many calls of one run may be in the pool at once, at most; never fewer than the batch that was priced."""
    operators = tuple(operators)
    return max(sum(meet[operator] for operator in operators), *(taken[operator].batch for operator in operators))


def _pool(lowered: Lowered, pool: Pool, places: int) -> plan.PlanPool:
    fleet = lowered.pricing.fleet
    device_class = fleet.device_class(pool.device)
    is_functions = pool.model is None
    engine: Literal["continuous", "cpu"] = "cpu" if is_functions else "continuous"
    serving = _serving(lowered, pool, device_class.device)
    return plan.PlanPool(
        id=pool.id,
        device=pool.device,
        site=pool.site,
        driver=pool.driver,
        model=pool.model,
        phase=None,
        tp=pool.tp,
        precision=pool.precision,
        batch=1 if is_functions else places,
        replicas=min(places, device_class.count) if is_functions else 1,
        step=serving.step,
        kv_bytes_per_token=serving.kv_bytes_per_token,
        kv_capacity_tokens=serving.kv_capacity_tokens,
        engine=engine,
        usd_per_hour=price(device_class, fleet).usd_per_hour,
    )


@dataclass(frozen=True, slots=True)
class _Serving:
    """What an engine needs to know of its model; nothing where the pool serves no text generator of the catalog."""

    step: plan.StepCoefficients | None = None
    kv_bytes_per_token: float | None = None
    kv_capacity_tokens: int | None = None


def _serving(lowered: Lowered, pool: Pool, device: Device | None) -> _Serving:
    if pool.model is None or pool.precision is None or device is None:
        return _Serving()
    model = lowered.pricing.models.model(pool.model)
    if not model.is_text_generator:
        return _Serving()
    coefficients = step_coefficients(model, device, pool.tp, pool.precision, KV_PRECISION)
    return _Serving(
        plan.StepCoefficients(values=coefficients.values()),
        model.kv_bytes_per_token_fp16,
        kv_capacity_tokens(model, device, pool.tp, pool.precision, kv_precision=KV_PRECISION),
    )


def _meeting(block: Block, width: int = 1) -> dict[int, int]:
    """By operator, how many of its calls one run may have under way at once: the product of the fan-outs around it."""
    found: dict[int, int] = {}
    for node in block.nodes:
        match node:
            case OpNode(operator):
                found[operator] = width
            case FanoutNode(max_width=most, block=inner):
                found |= _meeting(inner, width * most)
            case LoopNode(block=inner):
                found |= _meeting(inner, width)
            case BranchNode(blocks=blocks) | ChooseNode(blocks=blocks):
                for inner in blocks:
                    found |= _meeting(inner, width)
    return found
