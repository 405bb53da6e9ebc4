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

from orchestrator.graph import Graph, LlmTask, walk
from orchestrator.graph_json import to_json

if TYPE_CHECKING:
    from costmodel.fleet import Fleet
    from orchestrator.pipeline import PlanRequest
    from placement.plan_from_ir import Heading


def heading(graph: Graph, fleet: Fleet, request: PlanRequest, solver: str) -> Heading:
    """What the plan says of itself: schemas, sources and assumptions."""
    from placement.plan import Provenance
    from placement.plan_from_ir import Heading

    provenance = Provenance(
        agent=graph.name,
        graph_sha256=_digest(to_json(graph)),
        fleet=fleet.name,
        fleet_sha256=_digest(asdict(fleet)),
        catalog=fleet.catalog.name,
        orchestrator_version=version("agent-orchestrator"),
        solver=solver,
        assumptions=list(assumptions(graph, fleet, request)),
    )
    return Heading(provenance, graph.input_schema, graph.output_schema)


def assumptions(graph: Graph, fleet: Fleet, request: PlanRequest) -> Iterator[str]:
    """What the plan takes for granted, one sentence each."""
    yield "metered cost: a run pays for the time it uses; no queueing, every call finds its pool free"
    yield "latency at mean operator times; percentiles take the quantile of iterations and leave out rare branches"
    if fleet.finance.kind == "paper":
        yield f"prices by the formula of arXiv 2507.19635, {fleet.finance.column} column"
    else:
        yield f"prices: annuity at {fleet.finance.rate:.0%} over {fleet.finance.years:g} years, power at TDP"
    if any(isinstance(task, LlmTask) for task in walk(graph.body)):
        yield f"weights in {' or '.join(request.precisions)}; batch {request.batch} on each replica"
    yield "a value whose size nothing states counts as 4 KiB on a link"
    if any(device_class.driver == "simulated" for device_class in fleet.classes):
        yield "devices with the driver 'simulated' are not here: their times are predictions, their outputs labelled"
    if graph.first_output is not None:
        yield "the limit on the first output is not planned in this version; only the end-to-end limit is"
    if any(_streams(task) for task in walk(graph.body)):
        yield "streaming edges are planned as if the whole value were awaited (an upper bound)"


def _streams(task: object) -> bool:
    execution = getattr(task, "execution", None)
    return bool(execution is not None and execution.stream)


def _digest(value: object) -> str:
    """SHA-256 of the canonical JSON of a value; what JSON cannot hold is written as text."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
