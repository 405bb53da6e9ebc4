"""The stages of `orchestrator ir` after the solve: the agent is planned first, and the decision stands on its IR."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from orchestrator.commands.failure import INFEASIBLE

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from orchestrator.graph import Graph


def print_solved(
    graph: Graph,
    fleet: Path | None,
    sla: str | None,
    stage: str,
    after_each: Callable[[str, ModuleOp], None] | None,
    *,
    view: Callable[[ModuleOp], str],
) -> int:
    """Plan, and print the IR at a stage after the solve; the exit code.

    `view` writes the module; with `after_each` every stage up to it is printed instead.
    `sla` stands in the IR in place of the agent's own, at every stage. Where no placement keeps the limits, prints
    which of them binds, as `plan` does.
    """
    from costmodel.fleet import load_fleet
    from ir.pipeline import run_after_solve, run_passes
    from ir.sla import parse_sla
    from orchestrator.commands.plan_text import plan_text
    from orchestrator.pipeline import PlanRequest, plan_agent
    from orchestrator.to_ir import to_ir
    from placement.decision import write_decision

    if fleet is None:
        raise typer.BadParameter(f"the stage {stage!r} stands after the solve: give --fleet to solve for")
    if sla is not None:
        graph = replace(graph, sla=parse_sla(sla))
    result = plan_agent(graph, load_fleet(fleet), PlanRequest())
    if result.solution is None:
        typer.echo(plan_text(result))
        return INFEASIBLE
    if after_each is not None:
        run_passes(to_ir(graph), None, after_each)
    module = run_after_solve(write_decision(result.lowered, result.solution), stage, after_each)
    if after_each is None:
        typer.echo(view(module))
    return 0
