"""`orchestrator calibrate`: coefficients of the serving model from measurements, written as a profile."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.arguments import Debug

if TYPE_CHECKING:
    from costmodel.measured import Left, Measured

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
    may have engine and kv_precision. With fewer than 30 rows an earlier profile is drawn towards them.
    """
    from costmodel.calibration import load_calibration, to_yaml
    from costmodel.errors import ProfileError
    from costmodel.refine import calibrate as fitted_to

    rows, left = _rows(sources, plan)
    if not rows and left:
        reasons = "; ".join(dict.fromkeys(each.reason for each in left))
        raise ProfileError(f"none of the {len(left)} servings can be used: {reasons}")
    now = datetime.now(UTC).date().isoformat()
    origin = [f"{len(rows)} rows of {', '.join(each.name for each in sources)}"]
    fitted = fitted_to(rows, load_calibration(base), name=out.stem, date=now, origin=origin)
    out.write_text(to_yaml(fitted), encoding="utf-8")
    typer.echo(f"{len(rows)} rows used, {len(left)} not")
    for reason in dict.fromkeys(each.reason for each in left):
        first = next(each.where for each in left if each.reason == reason)
        typer.echo(f"  not used: {reason} ({sum(each.reason == reason for each in left)} rows, first {first})")
    for each in fitted.errors:
        part = f"{each.phase}  {each.device}  {each.model}  {each.rows} rows"
        typer.echo(f"  {part}  off by {each.mape:.1%}, bias {each.bias:+.1%}")
    typer.echo(f"wrote {out}")


def _rows(sources: list[Path], plan: Path | None) -> tuple[list[Measured], list[Left]]:
    from costmodel.errors import ProfileError
    from costmodel.measured import is_measured, read_measured
    from orchestrator.run_measured import measured_from_run

    rows: list[Measured] = []
    left: list[Left] = []
    for source in sources:
        if source.suffix == ".json":
            if plan is None:
                raise ProfileError(f"{source} is a run's report; name its plan with --plan")
            found = [measured_from_run(source, plan)]
        elif source.is_dir():
            found = [read_measured(each) for each in sorted(source.glob("*.csv")) if is_measured(each)]
            if not found:
                raise ProfileError(f"{source}: none of its CSV files has the columns of servings")
        else:
            found = [read_measured(source)]
        for used, others in found:
            rows += used
            left += others
    return rows, left
