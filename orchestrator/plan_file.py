"""Reads a plan document back, and checks that it still belongs to the agent it is to run."""

from __future__ import annotations

from pathlib import Path

from orchestrator.agent_files import function_refs
from orchestrator.errors import HashMismatchError, OrchestratorError
from orchestrator.graph import FunctionRef, Graph
from placement.plan import Plan


class PlanFileError(OrchestratorError):
    """A file that holds no plan, or the plan of another agent."""


def read_plan(file: Path, graph: Graph) -> Plan:
    """The plan of a file, for this agent as it is now.

    Raises `PlanFileError` for anything but a plan of this agent, `HashMismatchError` if the agent's code has changed.
    """
    from pydantic import ValidationError

    try:
        plan = Plan.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        raise PlanFileError(f"no plan: {place}: {first['msg']}", "write it with: plan --out", str(file)) from None
    if plan.agent != graph.name:
        raise PlanFileError(f"it is a plan of {plan.agent!r}, not of {graph.name!r}", "choose with --agent", str(file))
    _check_hashes(plan, graph, file)
    return plan


def _check_hashes(plan: Plan, graph: Graph, file: Path) -> None:
    current = {ref.source: ref.sha256 for ref in function_refs(graph)}
    used = (function for operator in plan.operators for function in operator.functions)
    for ref in (FunctionRef(each.source, each.qualname, each.sha256) for each in used):
        if current.get(ref.source, ref.sha256) != ref.sha256:
            raise HashMismatchError(
                f"{ref.source} has changed since the plan was made (function {ref.qualname!r})",
                "plan again with: orchestrator plan FILE --out PLAN",
                str(file),
            )
