"""The paper's worked example (section 3.1): four placements of prefill and decode, judged and solved.

The table of tasks is the paper's; everything after it is what the planner's own judge and solver say.
"""

from __future__ import annotations

from ir.sla import Sla
from orchestrator.commands.text import usd
from orchestrator.reproduction.page import Page, Table
from placement.evaluate import evaluate
from placement.infeasible import InfeasibleError
from placement.problem import (
    Block,
    DeviceCapacity,
    Edge,
    Operator,
    OpNode,
    Option,
    Placement,
    Pool,
    Problem,
    Transfer,
)
from placement.solve import solve

DEVICES = ("HP", "CO")
TOKENS = {"prefill": 1000, "decode": 500}
MS = {"prefill": {"HP": 80, "CO": 130}, "decode": {"HP": 25, "CO": 30}}
USD_PER_TOKEN = {"prefill": {"HP": 0.00008, "CO": 0.00005}, "decode": {"HP": 0.00006, "CO": 0.00002}}
TRANSFER_MS, TRANSFER_USD_PER_TOKEN = 10, 0.000005
PRINTED = {("HP", "HP"): "105 ms, $0.11", ("HP", "CO"): "120 ms, $0.095", ("CO", "CO"): "160 ms, $0.07"}
"""What the paper prints of the placements; it leaves the fourth out."""

LIMITS_MS = (120, 110, 100, 1000)


def problem(limit_ms: float | None) -> Problem:
    """The example as a table of options: `HP::CO` moves the KV cache, and there is no way from CO to HP."""
    free = Transfer(0.0, 0.0)
    moved = Transfer(TRANSFER_MS / 1e3, TOKENS["prefill"] * TRANSFER_USD_PER_TOKEN)
    table = {("HP", "HP"): free, ("CO", "CO"): free, ("HP", "CO"): moved}
    return Problem(
        name="worked example",
        operators=tuple(
            Operator(
                phase,
                f"llm.{phase}",
                1.0,
                tuple(
                    Option(pool, MS[phase][device] / 1e3, TOKENS[phase] * USD_PER_TOKEN[phase][device])
                    for pool, device in enumerate(DEVICES)
                ),
            )
            for phase in TOKENS
        ),
        pools=tuple(Pool(each, each, "dc", 1, None, None, each, each) for each in DEVICES),
        capacities=tuple(DeviceCapacity(each, 1) for each in DEVICES),
        edges=(Edge(0, 1, "kv_place", 1.0, 1.0, table),),
        root=Block((OpNode(0), OpNode(1)), ((), (0,))),
        sla=None if limit_ms is None else Sla("worst", limit_ms / 1e3),
    )


def page() -> Page:
    """The example's page."""
    verdicts = [_solved(limit) for limit in LIMITS_MS]
    return Page(
        "worked-example",
        "The worked example",
        (
            f"within 120 ms the planner takes {verdicts[0]}",
            "the paper prints $0.07 for both phases on CO; its table gives 1000 x $0.00005 + 500 x $0.00002 = "
            f"{_placed('CO', 'CO')[1]}",
        ),
        (
            "Prefill of 1000 tokens and decode of 500 on a high-performance (HP) and a cost-optimised (CO) device "
            "(arXiv 2507.19635v1, section 3.1). The same example runs as an agent: "
            "`orchestrator plan examples/worked_example.py --fleet examples/fleets/hp-co.yaml --sla 120ms`.",
            Table("Tasks as the paper gives them", ("task", "device", "ms", "USD per token"), tuple(_tasks())),
            Table(
                "Every placement, judged",
                ("prefill", "decode", "latency", "cost", "within 120 ms", "paper prints"),
                tuple(_placements()),
                brief=True,
            ),
            Table(
                "The cheapest placement by limit",
                ("limit", "planner"),
                tuple((f"{limit} ms", verdict) for limit, verdict in zip(LIMITS_MS, verdicts, strict=True)),
                brief=True,
            ),
        ),
    )


def _tasks() -> list[tuple[str, ...]]:
    rows = [
        (phase, each, f"{MS[phase][each]}", f"{USD_PER_TOKEN[phase][each]:.5f}") for phase in TOKENS for each in DEVICES
    ]
    return [*rows, ("KV HP->CO", "-", f"{TRANSFER_MS}", f"{TRANSFER_USD_PER_TOKEN:.6f} per prefill token")]


def _placements() -> list[tuple[str, ...]]:
    rows = list[tuple[str, ...]]()
    for pair in ((a, b) for a in DEVICES for b in DEVICES):
        latency, cost, verdict = _placed(*pair)
        rows.append((*pair, latency, cost, verdict, PRINTED.get(pair, "-")))
    return rows


def _placed(prefill: str, decode: str) -> tuple[str, str, str]:
    option = (DEVICES.index(prefill), DEVICES.index(decode))
    found = evaluate(problem(LIMITS_MS[0]), Placement(option, ()))
    if any(each.kind == "transfer" for each in found.violations):
        return "-", "-", "no way for the KV"
    return f"{found.latency_s * 1e3:g} ms", usd(found.cost_usd), "yes" if found.feasible else "no"


def _solved(limit_ms: float) -> str:
    try:
        solution = solve(problem(limit_ms))
    except InfeasibleError as error:
        return f"nothing: {error.report.value * 1e3:g} ms is the best achievable"
    where = "::".join(DEVICES[option] for option in solution.placement.option if option is not None)
    found = solution.evaluation
    return f"{where}, {found.latency_s * 1e3:g} ms, {usd(found.cost_usd)}, gap {solution.gap:.2%}"
