"""What a provisioned plan takes for granted, and where it comes from; printed beside every answer.

The counterpart of `provenance` for agents that share pools.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING

from orchestrator.graph import Graph
from orchestrator.provenance import (
    assumptions_of_agent,
    assumptions_of_devices,
    assumptions_of_prices,
    graph_sha256,
    margin_text,
)
from orchestrator.provenance import fleet_sha256 as digest_of_fleet

if TYPE_CHECKING:
    from placement.plan_from_ir import Heading
    from placement.shared_from_ir import SharedLowered
    from placement.shared_plans import Answer


def fleet_heading(graph: Graph, shared: SharedLowered, answer: Answer) -> Heading:
    """What one agent's plan says of itself: schemas, sources and assumptions."""
    from placement.plan import Provenance
    from placement.plan_from_ir import Heading

    fleet = shared.agents[0].pricing.fleet
    provenance = Provenance(
        agent=graph.name,
        graph_sha256=graph_sha256(graph),
        fleet=fleet.name,
        fleet_sha256=digest_of_fleet(fleet),
        catalog=fleet.catalog.name,
        orchestrator_version=version("agent-orchestrator"),
        solver=answer.solver,
        assumptions=[*assumptions_of_fleet(shared, answer), *assumptions_of_agent(graph)],
    )
    return Heading(provenance, graph.input_schema, graph.output_schema)


def assumptions_of_fleet(shared: SharedLowered, answer: Answer) -> Iterator[str]:
    """What holds for all agents of the plan."""
    from placement.confidence import is_sure
    from placement.specs_from_ir import ASSUMED_VALUE_BYTES
    from placement.transfers import KV_PRECISION

    pricing = shared.agents[0].pricing
    yield "provisioned cost: replicas are paid by the hour, busy or not, by the agents that keep them busy"
    yield f"margin {shared.load.margin}: {margin_text(shared.load.margin)}; latencies and utilisation are shown with it"
    if answer.evaluation.samples:
        yield (
            f"percentiles are of {answer.evaluation.samples:,} sampled runs: lognormal times, waiting at the planned "
            "replicas and load"
        )
        rows = zip(shared.problem.agents, answer.evaluation.agents, strict=True)
        unsure = [verdict.name for load, verdict in rows if not is_sure(load, verdict)]
        if unsure:
            yield f"limits of {', '.join(unsure)} hold in these runs, but by less than sampling can tell"
        yield (
            "worst is structural: most iterations, all items, slowest branches, at mean times; the sampled mean can be "
            "above it, since parallel steps wait for the slowest of them"
        )
    yield "a replica's step takes as long as with all its slots busy"
    yield f"weights in {' or '.join(pricing.precisions)}, KV in {KV_PRECISION}"
    yield from shared.assumptions
    replicas = answer.placement.replicas
    yield from dict.fromkeys(note for level, note in shared.level_notes.items() if replicas[level])
    yield from assumptions_of_prices(pricing.fleet)
    yield from assumptions_of_devices(pricing.fleet)
    yield f"a value whose size nothing states counts as {ASSUMED_VALUE_BYTES:g} bytes on a link"
