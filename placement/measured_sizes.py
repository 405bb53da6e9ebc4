"""Token counts from a profile: what was measured replaces what the author expected, where it is clear whose it is.

A time is that of a call of one size, so a row of another size than the call must never price it unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from costmodel.errors import CostError
from costmodel.profile import Profile, ProfileRow
from placement.operators import OperatorSpec

Count = Literal["tokens_in", "tokens_out"]
COUNTS: tuple[Count, ...] = ("tokens_in", "tokens_out")

_CALL_PHASES = ("prefill", "kv_transfer", "decode", "decode_attention", "activations", "decode_linear")
"""The measured parts of one call of a text generator, which all have the call's token counts."""

_RESULT_COUNTS: dict[str, Count] = {
    "render": "tokens_in",
    "decode": "tokens_out",
    "decode_attention": "tokens_out",
    "decode_linear": "tokens_out",
    "parse": "tokens_out",
    "call": "tokens_out",
}
"""Phases whose result is as long as one of the call's token counts."""

_ONE_TASK = ("call", "run", "encode", "decode_encoded")
"""Phases that are no part of a text generator's call."""

_NOTED = ("prefill", "decode", "decode_attention", "decode_linear", "run", "call")
"""Phases whose time depends on the counts, or that the author gave one."""


def with_measured_sizes(specs: Sequence[OperatorSpec], profile: Profile) -> tuple[OperatorSpec, ...]:
    """The operators with the token counts of the profile's rows, with a note where these replace the author's.

    A count replaces the author's when all rows of the function agree on it and all calls of the function expect the
    same. Else the author's stays, and a row that differs from it is refused where it would be used. Raises `CostError`
    for rows that disagree on a count that the author does not state.
    """
    sized = [each for spec in specs for each in (spec.members or (spec,))]
    for function in dict.fromkeys(spec.function for spec in sized):
        for count in COUNTS:
            _measure(sized, function, count, profile)
    left = iter(sized)
    return tuple(
        _with_members(spec, [next(left) for _ in spec.members]) if spec.members else next(left) for spec in specs
    )


def _with_members(spec: OperatorSpec, members: Sequence[OperatorSpec]) -> OperatorSpec:
    """Fused computes with the sizes of what was fused; their result is that of the last."""
    before, last = spec.members[-1], members[-1]
    bytes_out = spec.bytes_out if last == before else last.bytes_out
    return replace(spec, members=tuple(members), tokens_out=last.tokens_out, bytes_out=bytes_out)


def check_size(spec: OperatorSpec, row: ProfileRow) -> None:
    """Raises `CostError` for a row that measured a call of another size."""
    for count in COUNTS:
        asked, measured = _count(spec, count), _count(row, count)
        if asked is not None and measured is not None and asked != measured:
            raise CostError(
                f"profile row of {row.task!r} on {row.device!r} was measured at {count}={measured:g}, the call "
                f"{spec.id!r} has {asked:g}; measure at its size, or set {count}={measured:g} in the decorator"
            )


def _measure(specs: list[OperatorSpec], function: str, count: Count, profile: Profile) -> None:
    """Puts the function's measured count into those specs that have one, in place."""
    mine = [index for index, spec in enumerate(specs) if spec.function == function and _has(spec, count)]
    tasks = dict.fromkeys(task for index in mine for task in _tasks(specs[index]))
    measured = _counts((row for task in tasks for row in profile.rows(task)), count)
    stated = _counts((specs[index] for index in mine), count)
    if len(measured) > 1 and not stated:
        several = ", ".join(f"{value:g}" for value in sorted(measured))
        raise CostError(
            f"profile rows of {function!r} were measured at several {count} ({several}) and the author states none; "
            f"set {count}= in the decorator"
        )
    if len(measured) != 1 or len(stated) > 1:
        return
    (value,) = measured
    for index in mine:
        specs[index] = _resized(specs[index], count, value)


def _has(spec: OperatorSpec, count: Count) -> bool:
    """Whether a count belongs to an operator: both to a text generator's, else only what the author states.

    A prefix is as long as its author says: it is a part of the prompts that were measured.
    """
    if spec.phase == "prefix_prefill":
        return False
    return spec.phase not in _ONE_TASK or _count(spec, count) is not None


def _tasks(spec: OperatorSpec) -> tuple[str, ...]:
    """The tasks whose rows say how long a call of an operator is."""
    if spec.phase in _ONE_TASK:
        return (spec.task,)
    return tuple(f"{spec.function}.{phase}" for phase in _CALL_PHASES)


def _resized(spec: OperatorSpec, count: Count, value: float) -> OperatorSpec:
    before = _count(spec, count)
    if before == value:
        return spec
    expected, is_result = before or 0.0, _RESULT_COUNTS.get(spec.phase) == count
    notes = spec.notes
    if before is not None and spec.phase in _NOTED:
        notes += (f"{count}={value:g} as measured, not {before:g} as expected",)
    changed = replace(
        spec,
        bytes_out=spec.bytes_out * value / expected if is_result and expected else spec.bytes_out,
        context_tokens=spec.context_tokens + (value - expected if count == "tokens_in" else 0.0),
        notes=notes,
    )
    return replace(changed, tokens_in=value) if count == "tokens_in" else replace(changed, tokens_out=value)


def _counts(of: Iterable[OperatorSpec | ProfileRow], count: Count) -> set[float]:
    return {value for each in of if (value := _count(each, count)) is not None}


def _count(of: OperatorSpec | ProfileRow, count: Count) -> float | None:
    return of.tokens_in if count == "tokens_in" else of.tokens_out
