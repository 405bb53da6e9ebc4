"""What keeping KV between the turns of a react asks of a pool: what happens between them, and the memory meanwhile.

A call whose tool works computes nothing and yet holds memory. How many such calls a replica has follows from how long
tools work beside turns; what it leaves room for decides how many turns find their KV.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import Operation

from costmodel.llm import kv_bytes
from costmodel.models import Model
from costmodel.turns import Turns
from ir import view
from ir.dialects.agent import InterruptOp
from ir.dialects.control import ReactOp
from ir.dialects.llm import RenderOp
from placement.operators import OperatorSpec
from placement.queueing import Arrivals, waiting
from placement.shared_problem import Level
from placement.structure import Structure
from placement.token_counts import Count

KEEP = "keep"
"""A pool that serves the turns of reacts and keeps their KV while tools work."""

KEEP_CAPS = (0.5, 0.7)
"""Shares of such a pool's slots that may be busy. Calls that wait for a slot hold KV too, and a turn cannot go to
another replica, so that at 0.9 a few slots would need memory for more calls that wait than compute."""

FOUND = 0.95
"""Share of the later turns that find the KV of the turn before; the others read their prompt anew."""

_Z95 = 1.645


@dataclass(frozen=True, slots=True)
class Kept:
    """Turns of a react whose KV stays, and the steps `between` two of them with how often each runs there.

    `unknown` says what between two turns takes a time that nobody knows before placement; None where all is known.
    """

    turns: Turns
    between: tuple[tuple[OperatorSpec, float], ...]
    unknown: str | None = None

    def gap_s(self, longest_s: Mapping[OperatorSpec, float]) -> float:
        """Mean seconds between two turns where no step waits, each step at the place where it takes longest."""
        return math.fsum(times * longest_s.get(spec, 0.0) for spec, times in self.between)


def kept_turns(specs: Sequence[OperatorSpec], structure: Structure) -> dict[int, Kept]:
    """By operator what its react's turns keep: prefill and decode of each call that goes on from the turn before."""
    found: dict[int, Kept] = {}
    for position, spec in enumerate(specs):
        if spec.turns is None:
            continue
        react = _react_of(structure.operations[position])
        assert react is not None, "only a turn of a react goes on from one before"
        kept = _kept(spec.turns, react, specs, structure)
        within = structure.alternatives[position]
        call = view.call_id(structure.operations[position])
        for other, op in enumerate(structure.operations):
            if structure.alternatives[other] == within and view.call_id(op) == call:
                found[other] = kept
    return found


def kept_note(level: Level) -> str:
    """What a level that keeps KV between turns rests on."""
    return (
        f"{level.pool.id}: each turn of a react goes to the replica of the turn before; memory is left for "
        f"{level.keeps} contexts whose tools work, so that {FOUND:.0%} of later turns find theirs"
    )


def waiting_calls(turns: Turns, gap_s: float, turn: tuple[Arrivals, ...], slots: int) -> int:
    """Contexts for which a replica with `slots` needs memory beside those that compute, so that `FOUND` are found.

    `turn` are the visits of one turn, each once. A replica does not know which turn is a react's last: it keeps every
    context until memory is needed, and then drops the one that was not used for longest. At the largest of `KEEP_CAPS`
    it begins r turns a second. Where a context stays for t seconds without use, there are

        r (t / E + (1 - 1 / E) E[min(gap, t)])

    of them, since one of E turns is the last (Che et al. 2002, "Hierarchical web caching systems"). The gap is taken as
    exponential, with the mean m of its steps and of waiting: `FOUND` of them are below t = -m ln(1 - FOUND), and
    E[min(gap, t)] = m FOUND. There is room for as many as 95 % of Poisson counts of that mean stay below.
    """
    turn_s = math.fsum(each.slot_s for each in turn)
    turns_per_s = KEEP_CAPS[-1] * slots / turn_s
    arrivals = [Arrivals(turns_per_s, each.slot_s, each.sd_s) for each in turn]
    gap_s += math.fsum(each.mean_s for each in waiting(arrivals, slots))
    last = 1.0 / turns.expect
    mean = turns_per_s * gap_s * (-math.log1p(-FOUND) * last + FOUND * (1.0 - last))
    return math.ceil(mean + _Z95 * math.sqrt(mean))


def contexts(model: Model, counts: tuple[Count, Count], longest_tokens: float, calls: int) -> float:
    """The KV of `calls` contexts whose tools work, in contexts of `longest_tokens`: the 95th percentile of their sum.

    Many contexts are not all long at once, and what does not fit is read again: n means and 1.645 sqrt(n) deviations.
    `counts` are a call's tokens in and out.
    """
    mean = math.fsum(each.mean for each in counts)
    sd = math.hypot(*(each.cv * each.mean for each in counts))
    tokens = min(longest_tokens, mean + _Z95 * sd / math.sqrt(calls)) if calls else 0.0
    return calls * kv_bytes(model, tokens) / kv_bytes(model, longest_tokens)


def _kept(turns: Turns, react: ReactOp, specs: Sequence[OperatorSpec], structure: Structure) -> Kept:
    between = list(_between(react, specs, structure))
    models = [spec.id for spec, _ in between if spec.models]
    unknown = None
    if models:
        unknown = f"between its turns {models[0]} runs a model, for as long as its place and its load make it"
    elif any(isinstance(op, InterruptOp) for region in react.tools for op in region.walk()):
        unknown = "between its turns somebody is asked, and nobody knows for how long"
    return Kept(turns, tuple(between), unknown)


def _between(
    react: ReactOp, specs: Sequence[OperatorSpec], structure: Structure
) -> Iterator[tuple[OperatorSpec, float]]:
    """The steps of a gap: reading the answer, the tools that it asks for, and making the next prompt."""
    rows = list(zip(specs, structure.operations, strict=True))
    turns = next(spec.visits for spec, op in rows if isinstance(op, RenderOp) and view.turn_of(op) is react)
    gaps = turns * (1.0 - 1.0 / react.expect.value.data)
    for spec, op in rows:
        if spec.phase in {"render", "parse"} and view.turn_of(op) is react:
            yield spec, 1.0
        elif gaps > 0.0 and _is_in_tool(op, react):
            yield spec, spec.visits / gaps


def _react_of(op: Operation) -> ReactOp | None:
    """The innermost react around an operation."""
    parent = op.parent_op()
    while parent is not None and not isinstance(parent, ReactOp):
        parent = parent.parent_op()
    return parent


def _is_in_tool(op: Operation, react: ReactOp) -> bool:
    region = op.parent_region()
    while region is not None and region.parent_op() is not react:
        parent = region.parent_op()
        region = None if parent is None else parent.parent_region()
    return region is not None and region is not react.turn
