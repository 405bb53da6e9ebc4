"""Solves the provisioned problem at fixed `kappa`: presolve, a heuristic, then the program from that start.

Bound and gap are the program's, that is of the surrogate: with waiting at the caps and deviations as constants.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from placement.highs import Limits, Outcome, Watch, minimise
from placement.optimise import CLAIM_TOLERANCE, SLIP, DisagreementError
from placement.problem import Placement
from placement.shared_alike import formulate_counted, kinds_of, read_counted, start_counted
from placement.shared_greedy import shared_greedy
from placement.shared_milp import SharedProgram, formulate_shared, read_shared, start_shared
from placement.shared_neighbours import Meeting, improve_by_parts
from placement.shared_presolve import presolve_shared
from placement.shared_score import SharedScore, score_shared
from placement.shared_surrogate import Surrogate

ALONE = 600
"""Programs with fewer options are solved at once, on one thread."""

HEURISTIC = 0.15
"""The share of the time that the heuristic may take."""

OnBetter = Callable[[Sequence[Placement], SharedScore], None]


@dataclass(frozen=True, slots=True)
class FoundShared:
    """How a surrogate was solved: `placements` (None: none found), their score, and a lower bound of the aim."""

    status: Literal["optimal", "infeasible", "time_limit"]
    placements: tuple[Placement, ...] | None
    score: SharedScore | None
    bound: float
    seconds: float

    @property
    def gap(self) -> float:
        """(objective - bound) / objective; 1 where there is no answer."""
        if self.score is None:
            return 1.0
        return max(0.0, (self.score.objective - self.bound) / self.score.objective) if self.score.objective else 0.0


def solve_fixed(
    table: Surrogate,
    limits: Limits,
    start: Sequence[Placement] | None = None,
    on_better: OnBetter | None = None,
) -> FoundShared:
    """The best placements of the surrogate. Raises `DisagreementError` where program and score disagree."""
    began = time.monotonic()
    end = began + limits.time_s
    reduced = presolve_shared(table)
    smaller = reduced.table
    meeting = _first(smaller, reduced.narrow(start) if start else None, limits)
    if meeting.placements and meeting.score and on_better:
        on_better(reduced.restore(meeting.placements), meeting.score)
    usd = _typical(smaller, meeting.score) / 1000.0
    outcome = _counted(smaller, usd, meeting, _until(end, limits)) or _told_apart(smaller, usd, meeting, (end, limits))
    score = meeting.score
    if outcome.status == "infeasible" and score:
        raise DisagreementError(f"{table.problem.name}: the heuristic has an answer, the program says infeasible")
    bound = min(max(meeting.bound, outcome.bound * usd), score.objective if score else math.inf)
    placements = reduced.restore(meeting.placements) if meeting.placements else None
    status = "optimal" if meeting.close or outcome.status == "optimal" else outcome.status
    found = FoundShared(status, placements, score, bound, time.monotonic() - began)
    if on_better and placements and score:
        on_better(placements, score)
    return found


def _first(table: Surrogate, start: tuple[Placement, ...] | None, limits: Limits) -> Meeting:
    """The better of a known answer and the heuristic's."""
    meeting = Meeting(limits.gap, 0.0, None, None)
    if start:
        meeting.take(start, score_shared(table, start))
    answer = shared_greedy(table, HEURISTIC * limits.time_s)
    if answer:
        meeting.take(answer.placements, answer.score)
    return meeting


def _typical(table: Surrogate, score: SharedScore | None) -> float:
    known = score.objective if score else math.fsum(table.prices) / max(1, len(table.prices))
    return known if known > 0.0 else 1.0


def _until(end: float, limits: Limits) -> Limits:
    return replace(limits, time_s=max(0.0, end - time.monotonic()))


def _counted(table: Surrogate, usd: float, meeting: Meeting, limits: Limits) -> Outcome | None:
    """The program that counts operators that are alike; None where that is not the problem."""
    kinds = kinds_of(table)
    if kinds is None:
        return None
    program = formulate_counted(table, kinds, usd)
    start = start_counted(table, program, meeting.placements) if meeting.placements else None
    outcome = minimise(program.model, limits, start)
    if outcome.values is not None:
        _take(table, usd, meeting, (read_counted(table, program, outcome.values), outcome))
    meeting.bound = max(meeting.bound, outcome.bound * usd)
    return outcome


def _told_apart(table: Surrogate, usd: float, meeting: Meeting, until: tuple[float, Limits]) -> Outcome:
    """The program of all operators, alone or with small programs beside it."""
    program = formulate_shared(table, usd)
    columns = sum(len(options) for each in program.agents for options in each.options)
    if columns < ALONE or meeting.placements is None:
        return _whole(table, program, meeting, _until(*until))
    return _together(table, program, meeting, until)


def _take(table: Surrogate, usd: float, meeting: Meeting, found: tuple[tuple[Placement, ...], Outcome]) -> None:
    """Takes over a program's answer, held against its own claim."""
    placements, outcome = found
    claimed = score_shared(table, placements)
    _confirm(table, usd, claimed, outcome.objective)
    meeting.take(placements, claimed)


def _whole(
    table: Surrogate, program: SharedProgram, meeting: Meeting, limits: Limits, watch: Watch | None = None
) -> Outcome:
    """The whole program from the best answer known."""
    start = start_shared(table, program, meeting.placements) if meeting.placements else None
    outcome = minimise(program.model, limits, start, watch)
    if outcome.values is not None:
        _take(table, program.usd, meeting, (read_shared(table, program, outcome.values), outcome))
    meeting.bound = max(meeting.bound, outcome.bound * program.usd)
    return outcome


def _together(table: Surrogate, program: SharedProgram, meeting: Meeting, until: tuple[float, Limits]) -> Outcome:
    """The whole program for the proof, and beside it small ones around the best answer; each ends the other."""
    end, limits = until
    watch = _Exchange(table, program, meeting)
    failed: list[BaseException] = []

    def parts() -> None:
        try:
            improve_by_parts(table, program, meeting, end)
        except BaseException as error:  # raised again by the caller's thread
            failed.append(error)
            meeting.done = True

    beside = threading.Thread(target=parts, name="parts")
    beside.start()
    try:
        outcome = _whole(table, program, meeting, replace(_until(end, limits), threads=1), watch)
    finally:
        meeting.done = True
        beside.join()
    if failed:
        raise failed[0]
    return outcome


@dataclass(slots=True)
class _Exchange:
    """Hands answers between the whole program and the small ones."""

    table: Surrogate
    program: SharedProgram
    meeting: Meeting
    told: SharedScore | None = None

    def progress(self, bound: float) -> bool:
        """Ends the solve where the gap is proven against the best answer of either."""
        if math.isfinite(bound):
            self.meeting.bound = max(self.meeting.bound, bound * self.program.usd)
        return self.meeting.done or self.meeting.close

    def better(self, values: Sequence[float]) -> None:
        """Takes over the solve's answer."""
        placements = read_shared(self.table, self.program, values)
        score = score_shared(self.table, placements)
        if self.meeting.take(placements, score):
            self.told = score

    def offer(self) -> Sequence[float] | None:
        """Nothing: a bound and the interruption are enough, and HiGHS would have to complete the columns."""
        return None


def _confirm(table: Surrogate, usd: float, claimed: SharedScore, objective: float) -> None:
    """The program's answer keeps all limits but for rounding, and costs no more than the program says."""
    name = table.problem.name
    slas = [one.problem.sla for one in table.agents]
    slas += [one.first_output.sla for one in table.problem.agents if one.first_output]
    slack_s = SLIP * math.fsum(sla.limit_s for sla in slas if sla)
    if claimed.broken or claimed.over_s > slack_s:
        raise DisagreementError(f"{name}: the program's answer breaks {claimed.broken}, is {claimed.over_s} s over")
    if claimed.objective > objective * usd * (1.0 + 10 * CLAIM_TOLERANCE) + CLAIM_TOLERANCE * usd:
        raise DisagreementError(f"{name}: the program claims {objective * usd}, the score {claimed.objective}")
