"""Of alternatives that do the same work in the same pools, takes the one that moves least.

Where two alternatives cost the same a solver takes either. One that sends the KV from a pool to itself, or splits what
one device of a class could do whole, is no worse in dollars, but slower and absurd.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ir.dialects.plan import ChooseOp
from placement.evaluate import Evaluation, judge
from placement.from_ir import Lowered
from placement.prepared import prepare
from placement.problem import Option, Placement, Problem
from placement.solve import Solution

if TYPE_CHECKING:
    from placement.run_aims import Aims

_ROUNDING = 1.0 + 1e-12


def settle(lowered: Lowered, solution: Solution, problem: Problem | None = None, asked: Aims | None = None) -> Solution:
    """The solution, or a faster one of no higher cost that differs only in alternatives. Bound and problem stay.

    `problem` None: the one that was lowered, with the times as estimated. No aim of `asked` may come to more.
    """
    table = problem or lowered.problem
    prepared = prepare(table)
    placement, best = solution.placement, solution.evaluation
    for choice, op in enumerate(lowered.structure.choices):
        if _has_choices(op):
            continue
        for index in range(len(op.alternatives)):
            for other in _with_alternative(lowered, placement, (choice, index)):
                found = judge(prepared, other)
                if _is_better(found, best) and _keeps(table, asked, other, placement):
                    placement, best = other, found
    bound = min(solution.bound_usd, best.objective_usd)
    gap = (best.objective_usd - bound) / best.objective_usd if best.objective_usd else 0.0
    return replace(solution, placement=placement, evaluation=best, bound_usd=bound, gap=gap)


def _has_choices(choice: ChooseOp) -> bool:
    """Whether choices stand inside a choice; their operators are not those of its alternatives."""
    return any(isinstance(op, ChooseOp) for region in choice.regions for op in region.walk())


def _is_better(one: Evaluation, other: Evaluation) -> bool:
    if not one.feasible or one.objective_usd > other.objective_usd * _ROUNDING:
        return False
    return (one.latency_s, one.latency_mean_s) < (other.latency_s, other.latency_mean_s) or (
        one.objective_usd < other.objective_usd / _ROUNDING
    )


def _keeps(table: Problem, asked: Aims | None, one: Placement, other: Placement) -> bool:
    if asked is None:
        return True
    from placement.run_aims import amount

    pairs = ((amount(table, asked.uses, aim, one), amount(table, asked.uses, aim, other)) for aim in asked.aims)
    return all(value <= before * _ROUNDING for value, before in pairs)


def _with_alternative(lowered: Lowered, placement: Placement, taken: tuple[int, int]) -> Iterator[Placement]:
    """The placement with another alternative, whose operators are where their namesakes were.

    One operator may be new, as a whole is beside its parts: it goes to each pool of the classes that did the work.
    """
    choice, index = taken
    before = placement.alternative[choice]
    if index == before:
        return
    was = {
        lowered.specs[member].id: option
        for member in _members(lowered, choice, before)
        if (option := _option(lowered, placement, member))
    }
    pools = lowered.problem.pools
    classes = {pools[option.pool].device for option in was.values()}
    option = list(placement.option)
    for member in _members(lowered, choice, before):
        option[member] = None
    new: list[int] = []
    for member in _members(lowered, choice, index):
        same = was.get(lowered.specs[member].id)
        rows: Sequence[Option] = lowered.problem.operators[member].options
        if same is None:
            new.append(member)
        elif same in rows:
            option[member] = rows.index(same)
        else:
            return
    alternative = tuple(index if one == choice else old for one, old in enumerate(placement.alternative))
    if not new:
        yield Placement(tuple(option), alternative)
    elif len(new) == 1:
        for number, row in enumerate(lowered.problem.operators[new[0]].options):
            if pools[row.pool].device in classes:
                option[new[0]] = number
                yield Placement(tuple(option), alternative)


def _members(lowered: Lowered, choice: int, index: int) -> Iterator[int]:
    """The operators of an alternative."""
    pairs = enumerate(lowered.structure.alternatives)
    return (operator for operator, within in pairs if within == (choice, index))


def _option(lowered: Lowered, placement: Placement, operator: int) -> Option | None:
    option = placement.option[operator]
    return None if option is None else lowered.problem.operators[operator].options[option]
