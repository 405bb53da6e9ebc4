"""Reads what runs (plan documents, agents, load files) for `replan`, and writes the new plans down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.agent_files import choose, find_agents, find_all
from orchestrator.errors import OrchestratorError
from orchestrator.events import fleet_after, load_after
from orchestrator.fleet_pipeline import FleetRequest
from orchestrator.pipeline import PlanRequest
from orchestrator.plan_file import read_plan
from orchestrator.replanned import Replanned
from orchestrator.replanning import Situation, Wanted, replan_agent, replan_load

if TYPE_CHECKING:
    from costmodel.fleet import Fleet


class ReplanFilesError(OrchestratorError):
    """Files of plans or loads that do not belong together."""


def replan_files(files: Sequence[Path], plan: Path, fleet: Fleet, request: PlanRequest, wanted: Wanted) -> Replanned:
    """The metered plan of one agent."""
    if len(files) != 1:
        raise ReplanFilesError("several files are replanned together only with --load", "give one file, or a load file")
    if plan.is_dir():
        raise ReplanFilesError("a folder holds the plans of a load", "give --load too, or one plan document", str(plan))
    found = find_agents(files[0])
    graph = choose(found, _agent_of(plan), files[0]).graph
    return replan_agent(graph, read_plan(plan, graph), fleet, request, wanted)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Files of agents, the folder of their plans, the load that they were made for, and the one that holds now."""

    files: Sequence[Path]
    folder: Path
    load: Path
    new_load: Path | None


def replan_loaded(given: Loaded, fleet: Fleet, request: FleetRequest, wanted: Wanted) -> Replanned:
    """The plans of a load, one document for each agent of it."""
    from placement.load_document import load_load

    graphs, before, folder = find_all(given.files), load_load(given.load), given.folder
    after = load_after(load_load(given.new_load) if given.new_load else before, wanted.event)
    names = [each.agent for each in before.agents]
    if [each.agent for each in after.agents] != names:
        raise ReplanFilesError(f"the new load has not the agents {', '.join(names)} in this order", "plan it anew")
    unknown = [name for name in names if name not in graphs]
    if unknown:
        raise ReplanFilesError(f"no file defines {', '.join(unknown)}", "give the files that the plans were made from")
    missing = [name for name in names if not (folder / f"{name}.json").is_file()]
    if missing:
        raise ReplanFilesError(f"no plan of {', '.join(missing)}", "write it with: plan --load --out DIR", str(folder))
    plans = [read_plan(folder / f"{name}.json", graphs[name]) for name in names]
    situations = Situation(fleet, before), Situation(fleet_after(fleet, wanted.event), after)
    return replan_load(graphs, plans, situations, request, wanted)


def write(found: Replanned, out: Path, *, folder: bool) -> None:
    """Writes the new plans: one document, or `<agent>.json` for each agent into a folder, which is made."""
    for document in found.plans:
        path = out / f"{document.agent}.json" if folder else out
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _agent_of(plan: Path) -> str | None:
    """The agent that a document names; None where it is no plan, which reading it then says."""
    import json

    try:
        return str(json.loads(plan.read_bytes())["agent"])
    except (ValueError, KeyError, TypeError):
        return None
