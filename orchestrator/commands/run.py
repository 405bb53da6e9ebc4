"""`orchestrator run`: plans an agent, runs it on Ray once, and reports what was promised against what happened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from orchestrator.commands.arguments import (
    AddedPasses,
    AgentFile,
    AgentName,
    AsJson,
    Debug,
    RayAddress,
    SlaText,
    TimeScale,
    WithDashboard,
)
from orchestrator.commands.failure import ERROR, INFEASIBLE
from orchestrator.commands.text import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.graph import Graph, Json
    from orchestrator.pipeline import PlanResult
    from placement.plan import Plan
    from runtime.run_options import RunOptions
    from runtime.trace import RunReport


def run(
    file: AgentFile,
    *,
    agent: AgentName = None,
    fleet: Annotated[
        Path | None, typer.Option("--fleet", metavar="FLEET", help="Plan for these devices (YAML), then run.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="PLAN", help="Run this plan, from `plan --out`, instead.")
    ] = None,
    given: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="INPUT",
            help="A JSON object of the agent's parameters, @FILE, or plain text for an agent with one text parameter. "
            "Without it: EXAMPLE_INPUT of FILE.",
        ),
    ] = None,
    sla: SlaText = None,
    passes: AddedPasses = "",
    on_miss: Annotated[
        Literal["continue", "cancel"], typer.Option("--on-miss", help="What to do when the SLA's limit passes.")
    ] = "continue",
    time_scale: TimeScale = 1.0,
    address: RayAddress = None,
    dashboard: WithDashboard = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Run an agent once on Ray.

    Reports what was promised against what happened. Exit code 0 when the run succeeds, 2 when no placement keeps the
    SLA, else 1.
    """
    from orchestrator.agent_files import find_agent
    from orchestrator.run_input import read_inputs
    from runtime.run_options import RunOptions

    options = RunOptions(time_scale=time_scale, address=address, dashboard=dashboard, on_miss=on_miss)
    found = find_agent(file, agent)
    inputs = read_inputs(given, found.graph, found.example_input)
    if plan is not None:
        _refuse_both(fleet, sla, passes)
        return _execute(_read_plan(plan, found.graph), inputs, options, as_json)
    result = _planned(found.graph, fleet, sla, passes)
    if result.plan is None:
        return _report_infeasible(result, as_json)
    return _execute(result.plan, inputs, options, as_json)


def _refuse_both(fleet: Path | None, sla: str | None, passes: str) -> None:
    if fleet is not None or sla is not None or passes:
        raise typer.BadParameter("--plan brings its devices, SLA and passes: leave out --fleet, --sla and --passes")


def _planned(graph: Graph, fleet: Path | None, sla: str | None, passes: str) -> PlanResult:
    from costmodel.fleet import load_fleet
    from ir.sla import parse_sla
    from orchestrator.agent_files import check_functions
    from orchestrator.pipeline import PlanRequest, plan_agent

    if fleet is None:
        raise typer.BadParameter("give --fleet FLEET to plan for, or --plan PLAN to run")
    check_functions(graph, Path.cwd())
    request = PlanRequest(sla=None if sla is None else parse_sla(sla), passes=passes)
    return plan_agent(graph, load_fleet(fleet), request)


def _read_plan(file: Path, graph: Graph) -> Plan:
    from orchestrator.plan_file import read_plan

    return read_plan(file, graph)


def _report_infeasible(result: PlanResult, as_json: bool) -> int:
    from orchestrator.commands.plan_text import plan_text
    from orchestrator.report import plan_json

    typer.echo(json_text(plan_json(result)) if as_json else plan_text(result))
    return INFEASIBLE


def _run_once(plan: Plan, inputs: Mapping[str, Json], options: RunOptions) -> RunReport:
    import asyncio

    from runtime.ray_executor import RayExecutor

    executor = RayExecutor(plan, options)
    try:
        executor.start()
        if executor.dashboard_url is not None:
            typer.echo(f"Ray's dashboard: {executor.dashboard_url} (token: ray get-auth-token)", err=True)
        return asyncio.run(executor.execute(inputs))
    finally:
        executor.close()


def _execute(plan: Plan, inputs: Mapping[str, Json], options: RunOptions, as_json: bool) -> int:
    from orchestrator.commands.run_text import failure_text, run_text

    report = _run_once(plan, inputs, options)
    typer.echo(json_text(report.to_json()) if as_json else run_text(report))
    if report.status == "success":
        return 0
    typer.echo(failure_text(report), err=True)
    return ERROR
