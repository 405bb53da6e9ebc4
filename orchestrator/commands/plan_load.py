"""`orchestrator plan FILE... --load LOAD`: all agents of a load together, on pools that they share."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from orchestrator.commands.failure import INFEASIBLE
from orchestrator.commands.fleet_questions_text import FleetQuestions
from orchestrator.commands.text import json_text
from orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from costmodel.fleet import Fleet
    from orchestrator.fleet_pipeline import FleetPlan, FleetRequest
    from placement.load import Load


class LoadOptionError(OrchestratorError):
    """An option that a load file takes the place of, or a place where documents cannot be written."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """Where the fleet and the load are, where documents go, and what is printed. `progress` None: on a terminal.

    `explain` is what to explain instead of the tables: an operator, `AGENT.OP`, `limits`, or `cost`.
    """

    fleet: Path
    load: Path
    out: Path | None
    as_json: bool
    progress: bool | None
    explain: str | None = None
    compare: Path | None = None
    asked: FleetQuestions = field(default_factory=FleetQuestions)


def refuse(given: dict[str, bool]) -> None:
    """Raises `LoadOptionError` for options of one agent that were given beside a load."""
    wrong = [name for name, is_given in given.items() if is_given]
    if wrong:
        raise LoadOptionError(
            f"{', '.join(wrong)} and --load do not go together",
            "SLAs, rates and rules of several agents stand in the load file",
        )


def check_explained(objective: str, explain: str | None) -> None:
    """Raises `LoadOptionError` where reasons in dollars are asked of a plan that does not minimise them."""
    from orchestrator.commands.cost_text import COST
    from orchestrator.objective import parse_objective

    if explain not in (None, COST) and not parse_objective(objective).is_cost:
        raise LoadOptionError(
            f"--explain says what other levels would cost, and the objective is {objective!r}", "leave one out"
        )


def check_alone(objective: str, explain: str | None, *, no_split: bool) -> None:
    """Raises `LoadOptionError` for what one agent's plan does not have, and `ObjectiveError` for no aim of one."""
    from orchestrator.commands.cost_text import COST
    from orchestrator.run_objective import run_objective

    if no_split:
        raise LoadOptionError("without --load every operator is on one pool", "leave --no-split out, or give --load")
    if explain not in (None, COST) and not run_objective(objective).is_cost:
        raise LoadOptionError(
            f"--explain says what other options would cost, and the objective is {objective!r}", "leave one out"
        )
    run_objective(objective)


def only(files: Sequence[Path]) -> Path:
    """The one file of a plan without a load. Raises `LoadOptionError` for several."""
    if len(files) != 1:
        raise LoadOptionError("several files are planned together only with --load", "give one file, or a load file")
    return files[0]


def plan_load(files: Sequence[Path], options: LoadOptions, request: FleetRequest) -> int:
    """Plans and prints; the exit code."""
    from costmodel.fleet import load_fleet
    from orchestrator.agent_files import check_functions, find_all
    from orchestrator.commands.fleet_compare_text import fleet_compare_json, fleet_compare_lines
    from orchestrator.commands.fleet_explain_text import Patience
    from orchestrator.commands.fleet_questions_text import fleet_answers
    from orchestrator.commands.fleet_reasons import check_operator, fleet_reasons_json, fleet_reasons_text
    from orchestrator.commands.fleet_text import fleet_text
    from orchestrator.fleet_classes import with_classes
    from orchestrator.fleet_compare import compare_file
    from orchestrator.fleet_pipeline import plan_fleet, price_fleet
    from orchestrator.fleet_report import fleet_json
    from placement.load_document import load_load

    load, fleet = load_load(options.load), load_fleet(options.fleet)
    graphs = find_all(files)
    _check(options, fleet, load)
    unchecked = {source for graph in graphs.values() for source in check_functions(graph, Path.cwd())}
    shows = sys.stderr.isatty() if options.progress is None else options.progress
    tell = _tell if shows else None
    if options.explain is not None:
        check_operator(price_fleet(graphs, fleet, load, request), options.explain)
    plan = with_classes(plan_fleet(graphs, fleet, load, request, tell), request.time_limit_s)
    patience = Patience(request.time_limit_s, tell)
    if options.out is not None:
        write_plans(plan, options.out)
    answers = fleet_answers(graphs, plan, request, options.asked)
    compared = None if options.compare is None else compare_file(graphs, plan, request, options.compare)
    if options.as_json:
        reasons = {} if options.explain is None else fleet_reasons_json(plan, options.explain, patience)
        beside = {} if compared is None else {"compare": fleet_compare_json(compared)}
        typer.echo(json_text({**fleet_json(plan), **reasons, **answers.document, **beside}))
    else:
        text = fleet_text(plan) if options.explain is None else fleet_reasons_text(plan, options.explain, patience)
        beside_lines = () if compared is None else fleet_compare_lines(compared)
        typer.echo("\n".join([text, *answers.lines, *beside_lines]))
        for source in sorted(unchecked):
            typer.echo(f"note: {source} is not here, so its hash was not checked")
    return 0 if plan.feasible else INFEASIBLE


def _check(options: LoadOptions, fleet: Fleet, load: Load) -> None:
    """Raises, before anything is planned, for a file or a change that cannot be read and for a folder that is none."""
    from orchestrator.fleet_what_if import changed
    from placement.today_document import load_today

    out = options.out
    if out is not None and out.exists() and not out.is_dir():
        raise LoadOptionError(f"{out} is no folder", "with --load, --out names a folder: a document for each agent")
    for change in options.asked.what_if:
        changed(fleet, load, change)
    if options.compare is not None:
        load_today(options.compare)


def write_plans(plan: FleetPlan, out: Path) -> None:
    """Writes `<agent>.json` for each agent into a folder, which is made; nothing where there is no plan."""
    if plan.plans:
        out.mkdir(parents=True, exist_ok=True)
    for document in plan.plans:
        path = out / f"{document.agent}.json"
        path.write_text(document.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _tell(text: str) -> None:
    typer.echo(text, err=True)
