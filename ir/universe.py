"""Our dialects and passes as an xDSL universe, so that the stock `xdsl-opt` sees them.

The distribution registers it under the entry point `xdsl.universe`; `context()` is the same for our own readers and
passes.
"""

from __future__ import annotations

from functools import partial
from typing import TypeVar

from xdsl.context import Context
from xdsl.dialects.builtin import Builtin
from xdsl.universe import Universe

from ir.dialects.agent import Agent
from ir.dialects.comm import Comm
from ir.dialects.cost import Cost
from ir.dialects.llm import Llm
from ir.dialects.memory import Memory
from ir.dialects.model import Model
from ir.dialects.moe import Moe
from ir.dialects.plan import Plan
from ir.dialects.tool import Tool
from ir.pipeline import AFTER_SOLVE, DEFAULT_PIPELINE, OPTIONAL_PASSES

T = TypeVar("T")


def _same(value: T) -> T:
    return value


DIALECTS = (Agent, Llm, Tool, Memory, Model, Moe, Comm, Plan, Cost)

ORCHESTRATOR_UNIVERSE = Universe(
    all_dialects={dialect.name: partial(_same, dialect) for dialect in DIALECTS},
    all_passes={each.name: partial(_same, each) for each in (*DEFAULT_PIPELINE, *AFTER_SOLVE, *OPTIONAL_PASSES)},
)


def context() -> Context:
    """A context that knows `builtin` and our dialects, and no others."""
    known = Context()
    known.load_dialect(Builtin)
    for dialect in DIALECTS:
        known.load_dialect(dialect)
    return known
