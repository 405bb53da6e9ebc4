"""What a module asks for: its operations by dialect and its mean demand in a run, to compare before and after a pass.

Demand is a sum over operations of `cost.visits` times the `cost.*` attributes of one execution; `lowered` gives a
module at any stage those attributes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, ModuleOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass

from ir import view
from ir.dialects import cost
from ir.dialects.comm import KvTransferOp
from ir.dialects.control import FusedOp
from ir.dialects.names import own_id
from ir.dialects.plan import ChooseOp
from ir.dialects.task import FunctionOp
from ir.passes.annotate_demand import AnnotateDemandPass
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.passes.decompose_tool import DecomposeToolPass
from ir.passes.inline_agents import InlineAgentsPass

_WITHIN_OTHERS = frozenset({"tool.lookup", "tool.wait"})
"""What happens in the dispatch of a tool's compute."""

_LOWERING: tuple[type[ModulePass], ...] = (InlineAgentsPass, DecomposeLlmPass, DecomposeToolPass, AnnotateDemandPass)
"""The passes without which no demand is known; the others change how much there is."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Mean demand of one run. Of a call with several models the first counts, of a choice its first alternative.

    `moved_bytes` are results handed on and what `comm` operations send. `cost_usd` is what calls cost beside devices.
    `dispatches` are calls that the orchestrator sends to a device and whose answers it awaits.
    `unknown` counts the operations whose visits, or whose work for a model, nothing states.
    """

    flops: float = 0.0
    weight_bytes: float = 0.0
    kv_bytes: float = 0.0
    moved_bytes: float = 0.0
    cpu_s: float = 0.0
    wait_s: float = 0.0
    cost_usd: float = 0.0
    dispatches: float = 0.0
    unknown: int = 0

    def __add__(self, other: Demand) -> Demand:
        return Demand(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Demand)))

    def __sub__(self, other: Demand) -> Demand:
        return Demand(*(getattr(self, each.name) - getattr(other, each.name) for each in fields(Demand)))


@dataclass(frozen=True, slots=True)
class Stats:
    """Operations by dialect, those that run a part of a user's function, distinct calls of one, choices, and demand."""

    ops: dict[str, int]
    operators: int
    calls: int
    choices: int
    demand: Demand


def stats(module: ModuleOp) -> Stats:
    """The statistics of a module as it stands; demand is that of its `cost.*` attributes."""
    inside = [op for graph in view.graphs(module) for op in graph.body.walk()]
    operators = [op for op in inside if isinstance(op, FunctionOp)]
    return Stats(
        ops=dict(sorted(Counter(op.name.partition(".")[0] for op in inside).items())),
        operators=len(operators),
        calls=len({(op.function, view.call_id(op)) for op in operators}),
        choices=sum(isinstance(op, ChooseOp) for op in inside),
        demand=sum((_demand(op) for graph in view.graphs(module) for op in _running(graph.body.block)), Demand()),
    )


def lowered(module: ModuleOp) -> ModuleOp:
    """A copy of a module at any stage, taken down to operations with demand and no further changed.

    A call that no pass has given alternatives yet runs in the first of them, so that what the others save is the gain
    of the pass that makes them.
    """
    copy = module.clone()
    given = {op for op in copy.walk() if isinstance(op, ChooseOp)}
    for each in _LOWERING:
        each().apply(Context(), copy)
    for op in list(copy.walk()):
        if isinstance(op, ChooseOp) and op not in given:
            _keep_first(op)
    return copy


def _keep_first(choice: ChooseOp) -> None:
    for region in choice.regions[1:]:
        choice.detach_region(region).erase()
    choice.names = ArrayAttr(choice.names.data[:1])


def _running(block: Block) -> Iterator[Operation]:
    """The operations of a block and its regions, with one alternative of each choice."""
    for op in block.ops:
        yield op
        for region in op.regions[:1] if isinstance(op, ChooseOp) else op.regions:
            yield from _running(region.block)


def _demand(op: Operation) -> Demand:
    """Visits times the demand of one execution; an operation that runs nothing has none."""
    visits = cost.amount(op, "visits")
    if visits is None:
        return Demand(unknown=1 if own_id(op) is not None else 0)
    is_unknown = bool(view.models(op)) and not any(cost.per_model(op, name) for name in ("flops", "kv_bytes"))
    moved = (cost.amount(op, "bytes_out") or 0.0) + _first(op, "moved_bytes")
    kv_bytes = _first(op, "kv_bytes")
    is_transfer = isinstance(op, KvTransferOp)
    return Demand(
        flops=visits * _first(op, "flops"),
        weight_bytes=visits * _first(op, "weight_bytes"),
        kv_bytes=0.0 if is_transfer else visits * kv_bytes,
        moved_bytes=visits * (moved + (kv_bytes if is_transfer else 0.0)),
        cpu_s=visits * (cost.amount(op, "cpu_s") or 0.0),
        wait_s=visits * (cost.amount(op, "wait_s") or 0.0),
        cost_usd=visits * (view.prior(op).cost_usd or 0.0),
        dispatches=visits if _is_dispatched(op) else 0.0,
        unknown=int(is_unknown),
    )


def _is_dispatched(op: Operation) -> bool:
    """Whether an operation is sent to a device by itself, not within another and not along an edge."""
    if isinstance(op.parent_op(), FusedOp) or op.name in _WITHIN_OTHERS or op.name.startswith("comm."):
        return False
    return isinstance(op, FunctionOp | FusedOp)


def _first(op: Operation, name: cost.PerModel) -> float:
    values = cost.per_model(op, name)
    return values[0] if values else 0.0
