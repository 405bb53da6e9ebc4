"""Predictions as text, JSON and tables, for `orchestrator predict`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from costmodel.calibration import Calibration
from orchestrator.commands.failure import ERROR
from orchestrator.commands.text import json_text, table
from orchestrator.errors import OrchestratorError
from orchestrator.predictions import FIGURES, Prediction, Rates, predict_rows, read_table, write_table

_NAMES = {
    "ttft_s": "time to first token, s",
    "tpot_s": "time between tokens, s",
    "e2e_s": "whole answer, s",
    "tokens_per_s": "output tokens/s, all callers",
    "usd_per_million_tokens": "US dollars per million output tokens",
    "j_per_token": "joules per output token, at the devices",
}
_AMOUNTS = ("input_tokens", "output_tokens", "concurrency")


class PointError(OrchestratorError):
    """A point that is not wholly given, or cannot run."""


def predict_one(row: Mapping[str, str], rates: Rates, fitted: Calibration, *, as_json: bool) -> int:
    """Print one prediction. Raises PointError where it cannot run."""
    absent = [f"--{name}" for name in ("model", "device") if not row[name]]
    if absent:
        raise PointError(f"a point needs {' and '.join(absent)}", "give them, or --csv IN --out OUT for a table")
    (found,) = predict_rows([row], rates, fitted)
    if found.served is None:
        raise PointError(found.error, "change the point, or ask for another device or precision")
    typer.echo(json_text(_document(row, found, fitted)) if as_json else _text(row, found, fitted))
    return 0


def predict_table(source: Path | None, target: Path | None, rates: Rates, fitted: Calibration) -> int:
    """Write the predictions of a table. Raises PredictionTableError; 1 where no row at all could be predicted."""
    if source is None or target is None:
        raise PointError("a table needs --csv and --out", "give both")
    rows = read_table(source)
    predictions = predict_rows(rows, rates, fitted)
    write_table(target, rows, predictions)
    failed = sum(bool(each.error) for each in predictions)
    typer.echo(f"{len(rows) - failed} of {len(rows)} rows predicted, written to {target}", err=True)
    return ERROR if rows and failed == len(rows) else 0


def _text(row: Mapping[str, str], found: Prediction, fitted: Calibration) -> str:
    assert found.served is not None, "a prediction without an error has a served point"
    rows = [
        (_NAMES[name], *(f"{value:.4g}" for value in figure))
        for name in FIGURES
        if (figure := found.figures[name]) is not None
    ]
    header = ("", "predicted", "low", "high", "bound")
    served = found.served
    lines = [
        f"{row['model']} on {row['tp']} x {row['device']} in {row['precision']}: {_plain(row['input_tokens'])} tokens "
        f"in, {_plain(row['output_tokens'])} out, {_plain(row['concurrency'])} callers, {served.batch:.4g} at once",
        "",
        table(header, rows, header[1:]),
        "",
        f"calibration: {fitted.name} of {fitted.date}, coefficients {served.basis}; interval: 80 %, {served.situation}",
        "bound: datasheet rates, one request after another's prompt, no engine",
        *(f"note: {note}" for note in found.notes),
    ]
    return "\n".join(lines)


def _plain(number: str) -> str:
    return f"{float(number):,.12g}"


def _document(row: Mapping[str, str], found: Prediction, fitted: Calibration) -> dict[str, Any]:
    assert found.served is not None, "a prediction without an error has a served point"
    numbers = {"tp": int(row["tp"]), **{name: float(row[name]) for name in _AMOUNTS}}
    return {
        **row,
        **numbers,
        **{
            name: None if figure is None else dict(zip(("value", "low", "high", "bound"), figure, strict=True))
            for name, figure in found.figures.items()
        },
        "batch": found.served.batch,
        "tpot_parts_s": dict(found.served.parts),
        "calibration": fitted.name,
        "basis": found.served.basis,
        "situation": found.served.situation,
        "notes": list(found.notes),
    }
