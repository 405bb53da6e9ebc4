"""Runs the functions that were fused to one operator, one after another, and says how long each took.

What one gives goes to the next as JSON, as it would between two operators, so that fusing changes no value: a list
that one function changes is still whole for the next, and what has no JSON form is refused where it was made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from time import perf_counter

from ir.expression import Expression, evaluate, parse, references
from placement.plan import PartCall
from runtime.drivers.driver import PartTime
from runtime.drivers.user_code import failure_of, perform
from runtime.events import Json
from runtime.failure import Failure
from runtime.functions import load

COMPUTE = "agent.compute"


class PartFailed(Exception):
    """Carries why one of the functions failed; the failure's instance is that function's id."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.type}: {failure.message}")
        self.failure = failure


def perform_all(
    calls: Sequence[PartCall], arguments: Mapping[str, Json], root: Path, max_result_bytes: int
) -> tuple[str, tuple[PartTime, ...]]:
    """The JSON text of what the last function gives, and the seconds of each. Raises `PartFailed`.

    `arguments` are the values of the names that the calls' inputs read from outside.
    """
    texts = {name: json.dumps(value, allow_nan=False) for name, value in arguments.items()}
    times: list[PartTime] = []
    for call in calls:
        begun = perf_counter()
        try:
            texts[call.id] = _perform(call, texts, root)
        except BaseException as error:
            raise PartFailed(failure_of(error, call.function, root).at_instance(call.id)) from error
        times.append(PartTime(call.id, perf_counter() - begun))
        too_large = result_too_large(texts[call.id].encode(), max_result_bytes)
        if too_large is not None:
            raise PartFailed(too_large.at_instance(call.id))
    return texts[calls[-1].id], tuple(times)


def result_too_large(text: bytes, limit: int) -> Failure | None:
    """Why a result is not taken; None where it is small enough."""
    if len(text) <= limit:
        return None
    message = (
        f"the result has {len(text)} bytes as JSON, the limit is {limit}; return a reference such as a file name, "
        "or raise max_result_bytes"
    )
    return Failure("refused", "ResultTooLarge", message)


def _perform(call: PartCall, texts: Mapping[str, str], root: Path) -> str:
    inputs = {name: _expression(text) for name, text in call.inputs.items()}
    read = {name for expression in inputs.values() for name in references(expression)}
    known = {name: json.loads(texts[name]) for name in read}
    arguments = {name: evaluate(expression, known) for name, expression in inputs.items()}
    return json.dumps(perform(COMPUTE, load(call.function, root), arguments, None, False), allow_nan=False)


@lru_cache(maxsize=1024)
def _expression(text: str) -> Expression:
    return parse(text)
