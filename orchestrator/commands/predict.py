"""`orchestrator predict`: what callers of a served model would see, for one point or for a table of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.arguments import AsJson, Debug


def predict(
    *,
    model: Annotated[str | None, typer.Option("--model", metavar="ID", help="A text generator of the catalog.")] = None,
    device: Annotated[str | None, typer.Option("--device", metavar="ID", help="A device of the catalog.")] = None,
    tp: Annotated[int, typer.Option("--tp", min=1, help="Devices that share one copy of the model.")] = 1,
    precision: Annotated[str, typer.Option("--precision", help="Of the weights: fp16, fp8, int8 or fp4.")] = "fp16",
    input_tokens: Annotated[float, typer.Option("--input", metavar="TOKENS", help="Tokens of a prompt.")] = 1024,
    output_tokens: Annotated[float, typer.Option("--output", metavar="TOKENS", help="Tokens of an answer.")] = 256,
    concurrency: Annotated[
        float, typer.Option("--concurrency", metavar="N", help="Callers, each with one request under way at a time.")
    ] = 1,
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="NAME", help="What serves it, such as vllm or 'vllm 0.12.0'.")
    ] = None,
    prefix_hit: Annotated[
        str, typer.Option("--prefix-hit", metavar="SHARE", help="Of each prompt, found in the engine's prefix cache.")
    ] = "",
    speculate: Annotated[
        str,
        typer.Option("--speculate", metavar="TOKENS:ACCEPT", help="Drafts a step, and how probably each is accepted."),
    ] = "",
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="IN", help="A table of points instead of one; needs --out.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="OUT", help="Where the table's predictions go.")] = None,
    fleet: Annotated[
        Path | None, typer.Option("--fleet", metavar="FLEET", help="Take catalog and prices from a fleet file.")
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option("--calibration", metavar="FILE", help="What `calibrate` wrote, not what is shipped.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Predict time to the first token, time between tokens, throughput, cost and energy of a served model.

    Each with an 80 % interval and the idealised bound. Exit code 1 when the one point cannot run; of a table every
    row says for itself.
    """
    from costmodel.calibration import load_calibration
    from costmodel.catalog import load_catalog
    from costmodel.fleet import load_fleet
    from orchestrator.commands.predict_text import predict_one, predict_table
    from orchestrator.predictions import Rates

    priced = None if fleet is None else load_fleet(fleet)
    rates = Rates(load_catalog("default") if priced is None else priced.catalog, priced)
    fitted = load_calibration(calibration)
    if csv is not None or out is not None:
        return predict_table(csv, out, rates, fitted)
    row = {
        "model": model or "",
        "device": device or "",
        "tp": str(tp),
        "precision": precision,
        "input_tokens": repr(input_tokens),
        "output_tokens": repr(output_tokens),
        "concurrency": repr(concurrency),
        "engine": engine or "",
        **{name: text for name, text in (("prefix_hit", prefix_hit), ("speculate", speculate)) if text},
    }
    return predict_one(row, rates, fitted, as_json=as_json)
