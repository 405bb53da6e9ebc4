"""From the lowered IR and a solution to the plan document that the runtime executes.

The solution says which rows and alternatives were taken; this file writes them down with names and promises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from ir import view
from ir.pipeline import run_after_solve
from placement import plan
from placement.body_from_ir import fused_calls, write_body
from placement.data_flow import Carried
from placement.decision import write_decision
from placement.evaluate import place_pair
from placement.from_ir import Lowered
from placement.interval import latency_interval_s
from placement.operators import OperatorSpec
from placement.part_transfers import part_bytes
from placement.plan_pools import write_pools
from placement.problem import Edge, Option, Transfer
from placement.solve import Solution
from placement.transfers import kv_size_bytes

_DEMAND = ("tokens_in", "prefix_tokens", "tokens_out", "chunk_tokens", "audio_s", "images", "bytes_out")


@dataclass(frozen=True, slots=True)
class Heading:
    """What a plan says of itself beside the decisions: schemas of input and output, and where it comes from."""

    provenance: plan.Provenance
    input_schema: Mapping[str, object]
    output_schema: Mapping[str, object]


def plan_from_ir(
    lowered: Lowered,
    solution: Solution,
    heading: Heading,
    pools: Sequence[plan.PlanPool] | None = None,
    moves: Mapping[int, Transfer] | None = None,
) -> plan.Plan:
    """The plan document of a solution: its body from the last form of the IR, the rest from the solution.

    `pools` None: those of a metered plan, sized for one run. `moves` by edge stand for what the options taken need.
    """
    taken = _taken(lowered, solution)
    chosen = zip(lowered.structure.choices, solution.placement.alternative, strict=True)
    last_form = view.entry(run_after_solve(write_decision(lowered, solution)))
    calls = fused_calls(last_form)
    return plan.Plan(
        agent=lowered.graph.sym_name.data,
        body=write_body(last_form),
        operators=[_operator(lowered, position, taken, calls) for position in taken],
        pools=write_pools(lowered, taken) if pools is None else list(pools),
        links=_links(lowered),
        transfers=_transfers(lowered, taken, moves or {}),
        sla=_sla(lowered),
        cost_basis="metered",
        promised=_promised(lowered, solution),
        bound_usd=solution.bound_usd,
        gap=solution.gap,
        bound_scope=solution.bound_scope,
        choices={op.id.data: op.names.data[index].data for op, index in chosen},
        input_schema=dict(heading.input_schema),
        output_schema=dict(heading.output_schema),
        provenance=heading.provenance,
    )


def _taken(lowered: Lowered, solution: Solution) -> dict[int, Option]:
    """The row of each operator whose alternative is taken."""
    rows = zip(lowered.problem.operators, solution.placement.option, strict=True)
    return {
        position: operator.options[option] for position, (operator, option) in enumerate(rows) if option is not None
    }


def _operator(
    lowered: Lowered, position: int, taken: Mapping[int, Option], calls: Mapping[str, Sequence[plan.PartCall]]
) -> plan.PlanOperator:
    spec, option = lowered.specs[position], taken[position]
    pool = lowered.problem.pools[option.pool]
    return plan.PlanOperator(
        id=spec.id,
        name=spec.function,
        op=spec.op,
        driver=pool.driver,
        function=_function(lowered, position),
        inputs=_input_names(lowered, position, taken),
        routes=[plan.Route(pool=pool.id, share=1.0)],
        visits=spec.visits,
        demand={name: value for name in _DEMAND if (value := getattr(spec, name)) is not None},
        promised=plan.Promise(
            mean_s=option.latency_s,
            cost_usd=option.cost_usd,
            source=option.source,
            notes=list(option.notes),
            device_s=option.device_s,
            low_s=option.low_s,
            high_s=option.high_s,
        ),
        parts=_parts(spec, option, calls.get(spec.id, ())),
        model=pool.model,
        idempotent=spec.calls.idempotent,
        timeout_s=spec.calls.timeout_s,
        retries=spec.calls.retries,
        stream=spec.calls.stream,
        continues=spec.turns is not None,
    )


def _function(lowered: Lowered, position: int) -> plan.Function | None:
    """The user's function of an operator; a prefill and a decode have that of their call, fused computes none."""
    function = view.function(lowered.structure.operations[position])
    return None if function is None else plan.Function(**asdict(function))


def _parts(spec: OperatorSpec, option: Option, calls: Sequence[plan.PartCall]) -> list[plan.OperatorPart]:
    """What was fused; else the author's split of the time, none where a measurement of the whole replaces it."""
    if spec.members:
        rows = zip(spec.members, option.parts_s, calls, strict=True)
        return [plan.OperatorPart(op=member.op, latency_s=seconds, call=call) for member, seconds, call in rows]
    parts = spec.parts if option.source == "prior" else ()
    return [plan.OperatorPart(op=name, latency_s=seconds) for name, seconds in parts]


def _input_names(lowered: Lowered, position: int, taken: Mapping[int, Option]) -> list[str]:
    """The operators of the plan whose results an operator reads, in order of execution."""
    sources = [edge.src for edge in lowered.structure.edges if edge.dst == position and edge.src in taken]
    return [lowered.specs[source].id for source in sources]


def _links(lowered: Lowered) -> list[plan.PlanLink]:
    return [
        plan.PlanLink(
            src=link.source,
            dst=link.target,
            bytes_per_s=link.bytes_per_s,
            latency_s=link.latency_s,
            usd_per_byte=link.usd_per_byte,
        )
        for link in lowered.pricing.fleet.links
    ]


def _transfers(lowered: Lowered, taken: Mapping[int, Option], moves: Mapping[int, Transfer]) -> list[plan.PlanTransfer]:
    """Transfers between chosen operators that take time or cost something."""
    problem = lowered.problem
    found: list[plan.PlanTransfer] = []
    carried: list[Carried] = [edge.carries for edge in lowered.structure.edges if not edge.is_internal]
    for index, (edge, carries) in enumerate(zip(problem.edges, carried, strict=True)):
        if edge.src not in taken or edge.dst not in taken:
            continue
        move = moves.get(index) or edge.table[place_pair(problem, edge, taken[edge.src], taken[edge.dst])]
        if move.latency_s == 0.0 and move.cost_usd == 0.0:
            continue
        found.append(
            plan.PlanTransfer(
                src=lowered.specs[edge.src].id,
                dst=lowered.specs[edge.dst].id,
                kind=carries,
                size_bytes=_size_bytes(lowered, edge, carries, taken[edge.src]),
                latency_s=move.latency_s,
                cost_usd=move.cost_usd,
                visits=edge.visits,
                overlapped=move.overlapped,
            )
        )
    return found


def _size_bytes(lowered: Lowered, edge: Edge, carries: Carried, src: Option) -> float | None:
    """What moves: the value's bytes, or those of what the model that was chosen hands on."""
    model = lowered.problem.pools[src.pool].model
    if carries == "data" or model is None:
        return edge.size_bytes
    if carries != "kv":
        return part_bytes(lowered.specs[edge.src], lowered.pricing, model)
    return kv_size_bytes(lowered.specs[edge.src], lowered.pricing, model)


def _sla(lowered: Lowered) -> plan.PlanSla | None:
    sla = lowered.problem.sla
    return None if sla is None else plan.PlanSla(stat=sla.stat, limit_s=sla.limit_s)


def _promised(lowered: Lowered, solution: Solution) -> plan.Promised:
    judged = solution.evaluation
    ends = latency_interval_s(lowered.problem, solution.placement) or (None, None)
    return plan.Promised(
        latency_s=judged.latency_s,
        latency_mean_s=judged.latency_mean_s,
        latency_worst_s=judged.latency_worst_s,
        cost_usd=judged.cost_usd,
        critical_path=[lowered.specs[position].id for position in judged.critical_path],
        latency_low_s=ends[0],
        latency_high_s=ends[1],
    )
