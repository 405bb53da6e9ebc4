"""`orchestrator plan`: the placement dry run. It starts nothing and loads no Ray."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.arguments import (
    AddedPasses,
    AgentFiles,
    AgentName,
    AsJson,
    Debug,
    FleetFile,
    LoadFile,
    MarginText,
    ObjectiveText,
    Progress,
    SlaText,
    read_margin,
)
from orchestrator.commands.failure import INFEASIBLE
from orchestrator.commands.plan_load import check_alone, only
from orchestrator.commands.text import json_text

if TYPE_CHECKING:
    from orchestrator.commands.plan_questions import Questions
    from orchestrator.pipeline import PlanResult


def plan(
    files: AgentFiles,
    *,
    fleet: FleetFile,
    load: LoadFile = None,
    agent: AgentName = None,
    sla: SlaText = None,
    soft: Annotated[
        float | None,
        typer.Option("--soft", metavar="USD_PER_S", min=0, help="Make the SLA soft: dollars for each second above it."),
    ] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Requests assumed to share a replica of a model.")] = 1,
    precision: Annotated[
        str,
        typer.Option("--precision", metavar="LIST", help="Precisions that weights may have, such as fp16,fp8."),
    ] = "fp16",
    passes: AddedPasses = "",
    calibration: Annotated[
        str,
        typer.Option("--calibration", metavar="FILE", help="What `calibrate` wrote; none: the plain roofline."),
    ] = "shipped",
    time_limit: Annotated[str, typer.Option("--time-limit", metavar="TIME", help="Time for the solver.")] = "30s",
    objective: ObjectiveText = "cost",
    margin: MarginText = None,
    no_split: Annotated[
        bool, typer.Option("--no-split", help="With --load: each operator on one pool, as `replan` needs it.")
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="OP|cost|limits",
            help="Every option of one operator, the parts of the cost, or the limits that bind.",
        ),
    ] = None,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if",
            metavar="CHANGE",
            help="Plan again with +1:CLASS, -1:CLASS, sla=SLA, price:CLASS=USD, rate:AGENT=RATE.",
        ),
    ] = None,
    pareto: Annotated[
        bool, typer.Option("--pareto", help="Below the plan: the plans of which no other is both cheaper and faster.")
    ] = False,
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="FILE", help="Draw --pareto into a .png, .svg or .pdf file.")
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option("--compare", metavar="FILE", help="Below the plan: where operators run today, beside it."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PLAN", help="Write the plan document, for `run --plan`.")
    ] = None,
    progress: Progress = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Find the cheapest placement that keeps the SLA, or the best one in another aim.

    With --load, all agents of the load together, on pools of replicas that they share. A dry run: nothing is started.
    Exit code 2 when no placement keeps the limits.
    """
    from costmodel.fleet import load_fleet
    from ir.duration import parse_duration_s
    from ir.sla import parse_sla
    from orchestrator.agent_files import check_functions, find_agent
    from orchestrator.commands.plan_questions import Questions
    from orchestrator.pipeline import PlanRequest, plan_agent

    if load is not None:
        from orchestrator.commands.plan_load import FleetQuestions, LoadOptions, check_explained, plan_load, refuse
        from orchestrator.fleet_pipeline import FleetRequest

        refuse(
            {
                "--agent": agent is not None and not pareto and figure is None,
                "--sla": sla is not None,
                "--soft": soft is not None,
                "--batch": batch != 1,
                "--passes": bool(passes),
                "--margin": margin is not None,
            }
        )
        check_explained(objective, explain)
        precisions = tuple(name.strip() for name in precision.split(","))
        asked = FleetRequest(
            precisions,
            parse_duration_s(time_limit),
            calibration=calibration,
            objective=objective,
            split=not no_split,
        )
        beside = FleetQuestions(explain is not None, what_if or (), pareto, agent, figure)
        return plan_load(files, LoadOptions(fleet, load, out, as_json, progress, explain, compare, beside), asked)
    file = only(files)
    check_alone(objective, explain, no_split=no_split)
    request = PlanRequest(
        sla=None if sla is None else parse_sla(sla),
        soft_usd_per_s=soft,
        batch=batch,
        precisions=tuple(name.strip() for name in precision.split(",")),
        time_limit_s=parse_duration_s(time_limit),
        calibration=calibration,
        passes=passes,
        objective=objective,
        margin=read_margin(margin),
    )
    graph = find_agent(file, agent).graph
    unchecked = check_functions(graph, Path.cwd())
    result = plan_agent(graph, load_fleet(fleet), request)
    if out is not None and result.plan is not None:
        out.write_text(result.plan.model_dump_json(indent=2) + "\n", encoding="utf-8")
    typer.echo(_told(result, explain, Questions(what_if or (), pareto, figure, compare), as_json=as_json))
    if not as_json:
        for source in unchecked:
            typer.echo(f"note: {source} is not here, so its hash was not checked")
    return 0 if result.feasible else INFEASIBLE


def _told(result: PlanResult, explain: str | None, questions: Questions, *, as_json: bool) -> str:
    """The plan with what was asked beside it, or what `--explain` asks instead of its table."""
    from orchestrator.commands.cost_text import COST, cost_json, cost_text
    from orchestrator.commands.explain_text import explain_json, explain_text
    from orchestrator.commands.limits_text import LIMITS, limits_json, limits_text
    from orchestrator.commands.plan_questions import answer
    from orchestrator.commands.plan_text import plan_text
    from orchestrator.report import plan_json

    if explain == COST and result.plan is not None:
        return json_text(cost_json(result.plan, result)) if as_json else cost_text(result.plan, result)
    if explain == LIMITS and result.solution is not None:
        return json_text(limits_json(result, result.solution)) if as_json else limits_text(result, result.solution)
    operator = None if explain in (COST, LIMITS) else explain
    answers = answer(result, questions)
    if as_json:
        reasons = {} if operator is None else {"explain": explain_json(result, operator)}
        return json_text({**plan_json(result), **reasons, **answers.document})
    table = [plan_text(result)] if operator is None or not result.feasible else []
    options = [] if operator is None else [explain_text(result, operator)]
    return "\n".join(["\n\n".join([*table, *options]), *answers.lines])
