"""From the lowered, annotated IR and a fleet to the problem table.

Structure comes from `structure`, demand from `specs_from_ir`, rows from `options`, edges from `transfers`; this file
puts them together and numbers them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ir.dialects.agent import GraphOp
from ir.sla import Sla
from placement.data_flow import EdgeSpec
from placement.measured_sizes import with_measured_sizes
from placement.open_alternatives import rows_of_all
from placement.operators import OperatorSpec
from placement.options import Rows, with_known_models
from placement.part_transfers import activations_table, encoded_table, part_bytes
from placement.pricing import Pricing, Row, check_fleet
from placement.problem import DeviceCapacity, Edge, Operator, Option, Pool, Problem
from placement.specs_from_ir import read_specs
from placement.streaming import streaming_edges
from placement.structure import Structure, names_of_choice, read_structure
from placement.transfers import data_table, fastest_layers_s, kv_size_bytes, kv_table


@dataclass(frozen=True, slots=True)
class Lowered:
    """A problem with what it was made from: position i of `specs` and `structure.operations` is operator i."""

    graph: GraphOp
    problem: Problem
    specs: tuple[OperatorSpec, ...]
    structure: Structure
    pricing: Pricing


def from_ir(graph: GraphOp, pricing: Pricing, sla: Sla | None, penalty_usd_per_s: float | None = None) -> Lowered:
    """The problem of one agent on one fleet.

    Raises `CostError` for an operator that nothing prices, `CatalogError` for an unknown model and `FleetError` for a
    fleet that cannot be planned for.
    """
    check_fleet(pricing.fleet)
    structure = read_structure(graph)
    asked = [with_known_models(spec, pricing.models) for spec in read_specs(structure.operations)]
    specs = with_measured_sizes(asked, pricing.fleet.profile)
    table = rows_of_all(specs, structure, pricing)
    pools = tuple(dict.fromkeys(row.pool for rows in table for row in rows.rows))
    number = {pool: position for position, pool in enumerate(pools)}
    operators = tuple(
        Operator(id_, spec.op, spec.visits, tuple(_option(row, number) for row in rows.rows), rows.rejected)
        for id_, spec, rows in zip(operator_ids(structure, specs), specs, table, strict=True)
    )
    problem = Problem(
        name=graph.sym_name.data,
        operators=operators,
        pools=pools,
        capacities=tuple(DeviceCapacity(each.id, each.count) for each in pricing.fleet.classes),
        edges=tuple(
            edge_of(edge, specs, table, pricing)
            for edge in streaming_edges(structure.edges, specs, table)
            if not edge.is_internal
        ),
        root=structure.root,
        choices=tuple(names_of_choice(choice) for choice in structure.choices),
        groups=structure.groups,
        sla=sla,
        penalty_usd_per_s=penalty_usd_per_s,
    )
    return Lowered(graph, problem, specs, structure, pricing)


def _option(row: Row, number: dict[Pool, int]) -> Option:
    return Option(
        number[row.pool],
        row.latency_s,
        row.cost_usd,
        row.batch,
        row.source,
        row.bound_by,
        row.notes,
        device_s=row.device_s,
        parts_s=row.parts_s,
        low_s=row.low_s,
        high_s=row.high_s,
    )


def operator_ids(structure: Structure, specs: Sequence[OperatorSpec]) -> list[str]:
    """An operator's id, with its alternative where it stands in one: `answer.prefill (disaggregated)`."""
    names = [names_of_choice(choice) for choice in structure.choices]
    return [
        spec.id if within is None else f"{spec.id} ({names[within[0]][within[1]]})"
        for spec, within in zip(specs, structure.alternatives, strict=True)
    ]


def edge_of(edge: EdgeSpec, specs: Sequence[OperatorSpec], table: Sequence[Rows], pricing: Pricing) -> Edge:
    """What goes from one operator to another, with the transfers between all pools of their rows."""
    sources = [row.pool for row in table[edge.src].rows]
    targets = [row.pool for row in table[edge.dst].rows]
    src, visits = specs[edge.src], specs[edge.dst].visits * edge.share
    if edge.carries == "data":
        size_bytes = src.bytes_out * edge.copies
        moves = data_table(pricing.fleet, sources, targets, size_bytes)
        return Edge(edge.src, edge.dst, "place", size_bytes, visits, moves, edge.items)
    if edge.carries != "kv":
        table_of = activations_table if edge.carries == "activations" else encoded_table
        size_bytes = max((part_bytes(src, pricing, model) for model in src.models), default=0.0)
        return Edge(edge.src, edge.dst, "kv_place", size_bytes, visits, table_of(src, pricing, sources, targets))
    largest = max((kv_size_bytes(src, pricing, model) or 0.0 for model in src.models), default=0.0)
    hidden_by_s = fastest_layers_s(table[edge.src].rows) if edge.is_layerwise else None
    moves = kv_table(src, pricing, sources, targets, hidden_by_s)
    return Edge(edge.src, edge.dst, "kv_place", largest, visits, moves)
