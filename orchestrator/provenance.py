"""Where a plan comes from and what it takes for granted, written into the plan.

A figure without its assumptions is not believed; these are printed beside every answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING

from orchestrator.graph import CallTask, Graph, InterruptTask, LlmTask, ModelTask, walk
from orchestrator.graph_json import to_json

if TYPE_CHECKING:
    from costmodel.fleet import Fleet
    from placement.from_ir import Lowered
    from placement.load import Margin
    from placement.plan_from_ir import Heading
    from placement.solve import Solution


def heading(graph: Graph, lowered: Lowered, solution: Solution, margin: Margin = 1.0) -> Heading:
    """What the plan says of itself: schemas, sources and assumptions."""
    from placement.plan import Provenance
    from placement.plan_from_ir import Heading

    fleet = lowered.pricing.fleet
    provenance = Provenance(
        agent=graph.name,
        graph_sha256=graph_sha256(graph),
        fleet=fleet.name,
        fleet_sha256=fleet_sha256(fleet),
        catalog=fleet.catalog.name,
        orchestrator_version=version("agent-orchestrator"),
        solver=solution.solver,
        assumptions=[
            *_of_cost(fleet),
            *_of_margin(margin),
            *assumptions_of_agent(graph),
            *_of_first_output(graph),
            *_of_options(lowered, solution),
            *assumptions_of_devices(lowered.pricing.fleet),
        ],
    )
    return Heading(provenance, graph.input_schema, graph.output_schema)


def graph_sha256(graph: Graph) -> str:
    """Digest of the graph document."""
    return _digest(to_json(graph))


def fleet_sha256(fleet: Fleet) -> str:
    """Digest of all figures of a fleet that a plan can depend on; the same wherever its files lie."""
    classes = [asdict(each) for each in fleet.classes]
    for each in classes:
        if each["device"] is not None:
            del each["device"]["sources"]
    terms = {"electricity_usd_per_kwh": fleet.electricity_usd_per_kwh, "pue": fleet.pue, "basis": fleet.cost_basis}
    links = [asdict(link) for link in fleet.links]
    rows = [asdict(row) for row in fleet.profile.measurements]
    return _digest([fleet.name, fleet.catalog.name, terms, asdict(fleet.finance), classes, links, rows])


def _of_cost(fleet: Fleet) -> Iterator[str]:
    yield "metered cost: a run pays for the time it uses; no queueing, every call finds its pool free"
    yield "latency at mean operator times; percentiles take the quantile of iterations and leave out rare branches"
    yield from assumptions_of_prices(fleet)


def _of_margin(margin: Margin) -> Iterator[str]:
    if margin != 1.0:
        yield f"margin {margin}: {margin_text(margin)}; promises are the estimates, and moves of data have none"


def margin_text(margin: Margin) -> str:
    """By how much times may exceed their estimates while every limit holds."""
    from placement.load import INTERVAL

    if margin == INTERVAL:
        return (
            "every limit holds although each time is at the upper end of its own interval, which 80% of measurements "
            "keep; measured and stated times have none"
        )
    return f"every limit holds although each time is {margin:g} times its estimate"


def assumptions_of_prices(fleet: Fleet) -> Iterator[str]:
    """Where prices come from, and what the fleet file supposes."""
    if fleet.finance.kind == "paper":
        yield f"prices by the formula of arXiv 2507.19635, {fleet.finance.column} column"
    else:
        power = "TDP" if fleet.power_share == 1 else f"{fleet.power_share:.0%} of TDP"
        yield f"prices: annuity at {fleet.finance.rate:.0%} over {fleet.finance.years:g} years, power at {power}"
    if "spyre_kv_transfer" in fleet.hypotheses:
        yield "hypothesis: KV can move to and from Spyre cards, which no serving stack does today"


def assumptions_of_agent(graph: Graph) -> Iterator[str]:
    """What the agent says and this version does not plan."""
    tasks = list(walk(graph.body))
    executions = [task.execution for task in tasks if isinstance(task, LlmTask | CallTask | ModelTask)]
    yield "values that enter or leave the agent are where they are needed; only moves between operators count"
    if any(isinstance(task, InterruptTask) for task in tasks):
        yield "the time until a person answers a question is not counted"
    if any(execution.retries for execution in executions):
        yield "every call succeeds at once: retries are not counted"
    if any(execution.stream for execution in executions):
        yield "the items of a stream are equal and come evenly over the time of what gives them"
    if graph.degrade is not None:
        yield "what the agent may fall back to when it is late is not planned"


def _of_first_output(graph: Graph) -> Iterator[str]:
    if graph.first_output is not None:
        yield "the limit on the first output is planned with a load (plan --load); here only the end-to-end one is"


def _of_options(lowered: Lowered, solution: Solution) -> Iterator[str]:
    """What the options that were taken rest on."""
    from placement.host_steps import RENDER
    from placement.measured_rows import MEASURED_PRECISION
    from placement.specs_from_ir import ASSUMED_VALUE_BYTES
    from placement.transfers import KV_PRECISION

    pricing = lowered.pricing
    rows = zip(lowered.specs, lowered.problem.operators, solution.placement.option, strict=True)
    taken = [(spec, operator.options[option]) for spec, operator, option in rows if option is not None]
    if any(spec.models for spec, _ in taken):
        shared = f"{pricing.batch} call{'s' if pricing.batch > 1 else ''} in a batch of a decode"
        yield f"weights in {' or '.join(pricing.precisions)}, KV in {KV_PRECISION}; {shared}"
    corrections = pricing.corrections
    if corrections is not None and any(option.source == "calibrated" for _, option in taken):
        fitted = corrections.calibration
        yield (
            f"text generators: roofline corrected by the calibration {fitted.name!r} of {fitted.date}; intervals hold "
            "80 % of measurements of points that were left out of it"
        )
    if any(spec.models and option.source == "profile" for spec, option in taken):
        yield f"profile rows of models are taken to have measured {MEASURED_PRECISION} weights, one call at a time"
    if any(spec.phase in {"render", "parse"} and option.source == "prior" for spec, option in taken):
        yield f"making a prompt and reading an answer take {RENDER.latency_s:g} s each on a core (measured warm)"
    yield "the orchestrator's own time, about 1.5 ms a call, is in the measured latency of a run but in no promise"
    yield f"a value whose size nothing states counts as {ASSUMED_VALUE_BYTES:g} bytes on a link"


def assumptions_of_devices(fleet: Fleet) -> Iterator[str]:
    """Devices that are not here, or not yet anywhere."""
    classes = fleet.classes
    if any(each.driver == "simulated" for each in classes):
        yield "devices with the driver 'simulated' are not here: their times are predictions, their outputs labelled"
    for each in classes:
        if each.device is not None and each.device.is_goal:
            yield f"{each.id} does not exist yet: its figures are design goals"


def _digest(value: object) -> str:
    """SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
