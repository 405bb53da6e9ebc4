"""Why an attempt or a run failed, as data that crosses processes and is logged.

Exceptions stay where they were raised; the state machine, the log and the report see only this record.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

FailureKind = Literal["raised", "timeout", "lost", "refused", "arguments", "deadline"]
"""`raised`: the user's code raised; `timeout`: the operator's limit passed; `lost`: its process or replica died;
`refused`: it could not be run, or its result not taken (no such function, changed source, too large); `arguments`:
they do not fit the function; `deadline`: the run's time was used up."""

RETRIED: frozenset[FailureKind] = frozenset({"raised", "timeout", "lost"})
"""Kinds after which an idempotent operator is tried again; the others would end the same way."""


@dataclass(frozen=True, slots=True)
class Failure:
    """`type` and `message` of the error, the frames of the user's code in `traceback`, and where it happened."""

    kind: FailureKind
    type: str
    message: str
    traceback: str = ""
    instance: str = ""

    def at_instance(self, instance: str) -> Failure:
        """The same failure, placed at an operator instance or a control node; at its part where it has one already."""
        return replace(self, instance=f"{instance}/{self.instance}" if self.instance else instance)

    def to_json(self) -> dict[str, Any]:
        """A mapping of the fields, all plain text."""
        return asdict(self)
