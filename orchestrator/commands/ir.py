"""`orchestrator ir`: an agent as an xDSL module, at any stage of its way down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.arguments import AgentFile, AgentName, AsJson, Debug, SlaText
from orchestrator.commands.ir_view import Format, module_view

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from orchestrator.graph import Graph


def ir(
    file: AgentFile,
    agent: AgentName = None,
    *,
    stage: Annotated[
        str | None, typer.Option("--stage", metavar="NAME", help="Stop after this pass; 'capture' is before the first.")
    ] = None,
    passes: Annotated[
        str | None,
        typer.Option("--passes", metavar="LIST", help="Run these instead: 'a,b{option=2}', as xdsl-opt -p takes them."),
    ] = None,
    print_after_all: Annotated[bool, typer.Option("--print-after-all", help="Print the module at each stage.")] = False,
    stats: Annotated[
        bool, typer.Option("--stats", help="Instead: what each stage asks for, before and after each pass.")
    ] = False,
    fleet: Annotated[
        Path | None,
        typer.Option("--fleet", metavar="FLEET", help="Devices to solve for: --stats, or a stage after the solve."),
    ] = None,
    sla: SlaText = None,
    form: Annotated[Format, typer.Option("--format", help="The module, or a drawing of it.")] = "text",
    unroll: Annotated[
        bool, typer.Option("--unroll", help="Write out loops, fan-outs and turns, as often as is expected.")
    ] = False,
    max_counts: Annotated[
        bool, typer.Option("--max-counts", help="With --unroll: as often as their bounds allow.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Print the agent's IR at a stage of its lowering."""
    from ir.pipeline import SOLVED_STAGES
    from orchestrator.agent_files import find_agent
    from orchestrator.commands.ir_solved import print_solved

    if passes is not None and stage is not None:
        raise typer.BadParameter("give --stage or --passes: a list of passes ends where it ends")
    if as_json and print_after_all:
        raise typer.BadParameter("--json is one document: leave out --print-after-all")
    if (stats or print_after_all) and (unroll or form != "text"):
        raise typer.BadParameter("--format and --unroll show one stage: leave out --stats and --print-after-all")
    if max_counts and not unroll:
        raise typer.BadParameter("--max-counts says how far to unroll: give --unroll too")
    if as_json and not stats:
        raise typer.BadParameter("--json is a form of --stats: give both")
    view = module_view(form, ("max" if max_counts else "expect") if unroll else None)
    if stage in SOLVED_STAGES:
        if stats:
            raise typer.BadParameter(f"--stats tells of the stages before the solve: leave it out for {stage!r}")
        after_each_solved = _print_stage if print_after_all else None
        return print_solved(find_agent(file, agent).graph, fleet, sla, stage, after_each_solved, view=view)
    if sla is not None and (fleet is None or not stats):
        after = " or ".join(SOLVED_STAGES)
        raise typer.BadParameter(f"--sla is for the stages after the solve: --stage {after}; or for --stats --fleet")
    if fleet is not None and not stats:
        raise typer.BadParameter("--fleet prices the stages of --stats, or solves for a stage after it: give both")
    graph = find_agent(file, agent).graph
    run = _runner(graph, stage, passes)
    if stats:
        _print_stats(graph, fleet, sla, run, as_json=as_json, print_after_all=print_after_all)
    elif print_after_all:
        run(_print_stage)
    else:
        typer.echo(view(run(None)))
    return 0


def _runner(
    graph: Graph, stage: str | None, passes: str | None
) -> Callable[[Callable[[str, ModuleOp], None] | None], ModuleOp]:
    """Runs the passes that were asked for, with or without someone who looks at each stage."""
    from ir.pass_list import read_passes, run_listed
    from ir.pipeline import run_passes
    from orchestrator.to_ir import to_ir

    if passes is None:
        return lambda after_each: run_passes(to_ir(graph), stage, after_each)
    listed = read_passes(passes)
    return lambda after_each: run_listed(to_ir(graph), listed, after_each)


def _print_stats(
    graph: Graph,
    fleet: Path | None,
    sla: str | None,
    run: Callable[[Callable[[str, ModuleOp], None]], ModuleOp],
    *,
    as_json: bool,
    print_after_all: bool,
) -> None:
    from costmodel.fleet import load_fleet
    from ir.sla import parse_sla
    from orchestrator.commands.ir_stats import StageRow, stage_row, stats_json
    from orchestrator.commands.ir_stats_text import stats_text
    from orchestrator.commands.text import json_text

    devices = None if fleet is None else load_fleet(fleet)
    limit = graph.sla if sla is None else parse_sla(sla)
    rows: list[StageRow] = []

    def after_each(stage: str, module: ModuleOp) -> None:
        if print_after_all:
            _print_stage(stage, module)
        rows.append(stage_row(stage, module, devices, limit))

    run(after_each)
    if as_json:
        typer.echo(json_text(stats_json(rows, graph.name, None if devices is None else devices.name)))
    else:
        typer.echo(stats_text(rows, devices is not None))


def _print_stage(stage: str, module: ModuleOp) -> None:
    typer.echo(f"// ----- {stage} -----\n{module}\n")
