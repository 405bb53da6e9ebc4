"""Measured servings: what one run of a load generator against an engine gave, as calibration reads it.

Two forms of CSV are understood by their header: the columns of `predict` with the measured times beside them, and the
public table of servings that the shipped calibration was fitted on.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from costmodel.catalog import Catalog, load_catalog
from costmodel.errors import CatalogError, ProfileError
from costmodel.models import ModelCatalog, load_models
from costmodel.points import Point, demand, why_not_served
from costmodel.served_step import bound

COLUMNS = ("model", "device", "tp", "precision", "input_tokens", "output_tokens", "concurrency", "ttft_s", "tpot_s")
"""Columns of a user's CSV; `engine` and `kv_precision` may stand beside them. Either time may be empty."""

MAX_BYTES = 64_000_000

MOST_OVER_BOUND = 300.0
"""A time between tokens this often as long as the idealised bound is no measurement in seconds: of the 750 public
servings that the shipped calibration is fitted on none takes over 36 times as long."""

_PUBLIC = ("model_path", "system", "silicon_ttft_ms", "silicon_tpot_ms", "isl", "osl")


@dataclass(frozen=True, slots=True)
class Measured:
    """Mean seconds to the first token and between tokens of one served point; None where it was not measured."""

    point: Point
    ttft_s: float | None
    tpot_s: float | None
    dataset: str


@dataclass(frozen=True, slots=True)
class Left:
    """A row that was not used, and why."""

    where: str
    reason: str


def read_measured(path: Path) -> tuple[tuple[Measured, ...], tuple[Left, ...]]:
    """The servings of a CSV file, and the rows that say too little or that the cost model cannot run.

    Raises ProfileError when the header is of neither form.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ProfileError(f"{path}: a file of measurements has at most {MAX_BYTES:,} bytes")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: the measurements cannot be read ({error}); give a CSV file in UTF-8") from error
    rows = csv.DictReader(lines)
    header = set(rows.fieldnames or ())
    public = set(_PUBLIC) <= header
    if not public and not set(COLUMNS) <= header:
        missing = ", ".join(name for name in COLUMNS if name not in header)
        raise ProfileError(f"{path}:1: a file of servings has the columns {', '.join(COLUMNS)}; missing: {missing}")
    catalog, models = load_catalog("default"), load_models()
    used: list[Measured] = []
    left: list[Left] = []
    for row in rows:
        where = f"{path.name}:{rows.line_num}"
        try:
            measured = _public(row, models, catalog, path.stem) if public else _own(row, models, catalog, path.stem)
            reason = why_not_served(measured.point) or _implausible(measured)
        except (CatalogError, ValueError) as error:
            left.append(Left(where, str(error)))
            continue
        if reason is None:
            used.append(measured)
        else:
            left.append(Left(where, reason))
    return tuple(used), tuple(left)


def _implausible(measured: Measured) -> str | None:
    """Why a time between tokens can be none in seconds: milliseconds as seconds would spoil a whole profile."""
    if measured.tpot_s is None:
        return None
    least_s = float(bound(demand([measured.point]))[1][0])
    if measured.tpot_s <= MOST_OVER_BOUND * least_s:
        return None
    return (
        f"tpot_s {measured.tpot_s:g} is {measured.tpot_s / least_s:,.0f} times what the datasheet allows, which is "
        f"over {MOST_OVER_BOUND:g}; give seconds, not milliseconds"
    )


def is_measured(path: Path) -> bool:
    """Whether the first line of a file is a header that `read_measured` understands."""
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        header = set(next(csv.reader(lines), list[str]()))
    return set(_PUBLIC) <= header or set(COLUMNS) <= header


def _own(row: Mapping[str, str], models: ModelCatalog, catalog: Catalog, dataset: str) -> Measured:
    point = Point(
        models.model(row["model"]),
        catalog.device(row["device"]),
        _whole(row, "tp"),
        row["precision"],
        _number(row, "input_tokens"),
        _number(row, "output_tokens"),
        _number(row, "concurrency"),
        row.get("kv_precision") or None,
        row.get("engine") or None,
    )
    ttft_s, tpot_s = _seconds(row, "ttft_s"), _seconds(row, "tpot_s")
    if ttft_s is None and tpot_s is None:
        raise ValueError("neither ttft_s nor tpot_s is given")
    return Measured(point, ttft_s, tpot_s, dataset)


def _public(row: Mapping[str, str], models: ModelCatalog, catalog: Catalog, dataset: str) -> Measured:
    """A row of the public table, whose precision is empty for 16 bits and whose times are in milliseconds."""
    if row["mode"] != "agg":
        raise ValueError(f"prefill and decode on different devices ({row['mode']}) is no closed loop of one engine")
    if not row["concurrency"]:
        raise ValueError("the row does not say how many callers there were")
    if row["pp_size"] not in {"", "1"} or row["attention_dp_size"] not in {"", "1"}:
        raise ValueError("pipeline or data parallelism inside the engine has no rule here")
    point = Point(
        models.model(_model_id(row["model_path"], models)),
        catalog.device(row["system"]),
        int(float(row["tp_size"])),
        (row["precision"] or row["gemm_quant_mode"] or "fp16").split("_")[0],
        float(row["isl"]),
        float(row["osl"]),
        float(row["concurrency"]),
        None,
        f"{row['backend']} {row['backend_version'] or 'unstated'}",
    )
    ttft_s, tpot_s = (float(row[name]) / 1000 for name in ("silicon_ttft_ms", "silicon_tpot_ms"))
    return Measured(point, ttft_s, tpot_s, dataset)


def _model_id(path: str, models: ModelCatalog) -> str:
    """The catalog's model of a repository name: the same name but for case, organisation, `Meta-` and `-Instruct`."""

    def plain(name: str) -> str:
        return name.rsplit("/", maxsplit=1)[-1].lower().removeprefix("meta-").removesuffix("-instruct")

    found = [each.id for each in models.models.values() if each.hf_id and plain(each.hf_id) == plain(path)]
    if len(found) != 1:
        raise ValueError(f"the catalog has {'no model' if not found else 'several models'} for {path!r}")
    return found[0]


def _seconds(row: Mapping[str, str], name: str) -> float | None:
    if not row[name]:
        return None
    seconds = _number(row, name)
    if not 0 < seconds < float("inf"):
        raise ValueError(f"a measured time is above 0 and finite, got {name} {row[name]!r}")
    return seconds


def _whole(row: Mapping[str, str], name: str) -> int:
    number = _number(row, name)
    if not number.is_integer():
        raise ValueError(f"{name} must be a whole number, got {row[name]!r}")
    return int(number)


def _number(row: Mapping[str, str], name: str) -> float:
    try:
        return float(row[name])
    except ValueError:
        raise ValueError(f"{name} must be a number, got {row[name]!r}") from None
