"""`orchestrator calibrate`: coefficients of the serving model from measurements, written as a profile."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.arguments import Debug

if TYPE_CHECKING:
    from costmodel.measured import Left, Measured
    from costmodel.offline import Batches

OWN = Path("calibration.yaml")


def calibrate(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE...", help="CSV files of servings, folders of them, reports from `run --json`."),
    ],
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="PLAN", help="The plan of the reports, from `plan --out`.")
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option("--base", metavar="FILE", help="Start from this profile, not the shipped one, with few rows."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The profile to write.")] = OWN,
    debug: Debug = False,
) -> None:
    """Fit the coefficients of the serving model to measurements and write a profile for `predict --calibration`.

    A CSV has the columns model, device, tp, precision, input_tokens, output_tokens, concurrency, ttft_s, tpot_s, and
    may have engine and kv_precision. With fewer than 30 rows an earlier profile is drawn towards them. A CSV of offline
    batches (the columns of LLM-Inference-Bench) is not fitted: it widens the intervals of what has no servings.
    """
    from costmodel.calibration import load_calibration, to_yaml
    from costmodel.errors import ProfileError
    from costmodel.fit import LEAST_ROWS
    from costmodel.refine import calibrate as fitted_to

    rows, left, batches = _rows(sources, plan)
    if not rows and left:
        reasons = "; ".join(dict.fromkeys(each.reason for each in left))
        raise ProfileError(f"none of the {len(left)} servings can be used: {reasons}")
    now = datetime.now(UTC).date().isoformat()
    origin = [f"{len(rows)} rows of {', '.join(each.name for each in sources)}"]
    if batches.points:
        origin.append(f"not fitted, but in the spread of what has no servings: {len(batches.points)} offline batches")
    fitted = fitted_to(rows, load_calibration(base), name=out.stem, date=now, origin=origin, batches=batches)
    out.write_text(to_yaml(fitted), encoding="utf-8")
    typer.echo(f"{len(rows)} rows used, {len(left)} not")
    for reason in dict.fromkeys(each.reason for each in left):
        first = next(each.where for each in left if each.reason == reason)
        typer.echo(f"  not used: {reason} ({sum(each.reason == reason for each in left)} rows, first {first})")
    if batches.points or batches.left:
        typer.echo(
            f"{len(batches.points)} offline batches widen intervals of what has no servings, {batches.left} do not: "
            "of another model, device or framework, or more than fits"
            if len(rows) >= LEAST_ROWS
            else f"no offline batch is used, as there are fewer than {LEAST_ROWS} servings to fit to"
        )
    for each in fitted.errors:
        part = f"{each.phase}  {each.device}  {each.model}  {each.rows} rows"
        typer.echo(f"  {part}  off by {each.mape:.1%}, bias {each.bias:+.1%}")
    typer.echo(f"wrote {out}")


def _rows(sources: list[Path], plan: Path | None) -> tuple[list[Measured], list[Left], Batches]:
    from costmodel.errors import ProfileError
    from costmodel.measured import is_measured, read_measured
    from costmodel.offline import NO_BATCHES, is_batches, read_batches
    from orchestrator.run_measured import measured_from_run

    rows: list[Measured] = []
    left: list[Left] = []
    batches = NO_BATCHES
    for source in sources:
        if source.suffix == ".json":
            if plan is None:
                raise ProfileError(f"{source} is a run's report; name its plan with --plan")
            found = [measured_from_run(source, plan)]
        else:
            files = sorted(source.glob("*.csv")) if source.is_dir() else [source]
            offline = [each for each in files if each.is_file() and is_batches(each)]
            for each in offline:
                batches = batches.and_those(read_batches(each))
            others = [each for each in files if each not in offline]
            found = [read_measured(each) for each in others if not source.is_dir() or is_measured(each)]
            if not found and not offline:
                raise ProfileError(f"{source}: none of its CSV files has the columns of servings")
        for used, unused in found:
            rows += used
            left += unused
    return rows, left, batches
