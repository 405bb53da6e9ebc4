"""Predictions of served points as rows: read from a table, priced, and written with intervals and bounds.

A row that cannot be read or run says why in its `error` and stops no other.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from costmodel.calibration import Calibration
from costmodel.catalog import Catalog
from costmodel.errors import CostModelError
from costmodel.fleet import Fleet
from costmodel.models import load_models
from costmodel.points import Point
from costmodel.power import serving_w
from costmodel.roofline import compute_rate
from costmodel.served import Range, Served, Unserved, predict_points
from costmodel.served_options import EngineOptions, with_options
from costmodel.tco import price
from orchestrator.errors import OrchestratorError
from orchestrator.shelves import plain_price

COLUMNS = ("model", "device", "tp", "precision", "input_tokens", "output_tokens", "concurrency")
"""Columns of the input; others are kept as they are."""

SURPLUS = "cells without a column"
"""Where a row keeps what it has beyond the header."""

FIGURES = ("ttft_s", "tpot_s", "e2e_s", "tokens_per_s", "usd_per_million_tokens", "j_per_token")
"""What is predicted; each with `_low`, `_high` and `_bound`."""

_PER_MILLION = 1e6
_SECONDS_PER_HOUR = 3600.0


class PredictionTableError(OrchestratorError):
    """A table of points that cannot be read."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One row: figures by name, each (value, low, high, bound) or None where no price is known; or why there are none.

    `notes` are what the figures rest on beyond the measured range.
    """

    figures: Mapping[str, tuple[float, float, float, float] | None]
    notes: tuple[str, ...] = ()
    error: str = ""
    served: Served | None = None


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars for an hour of one device by id (None: no price), from a fleet or from the catalog alone."""

    catalog: Catalog
    fleet: Fleet | None = None

    def usd_per_hour(self, device: str) -> float | None:
        """The price of the fleet's class, or by the catalog's own terms."""
        if self.fleet is not None and any(each.id == device for each in self.fleet.classes):
            try:
                return price(self.fleet.device_class(device), self.fleet).usd_per_hour
            except CostModelError:
                return None
        found = plain_price(self.catalog, device)
        return None if found is None else found.usd_per_hour


def predict_rows(rows: Sequence[Mapping[str, str]], rates: Rates, fitted: Calibration | None) -> list[Prediction]:
    """[row] its prediction, all rows at once."""
    read = _Reader(rates.catalog)
    points = [read.point(row) for row in rows]
    found = iter(predict_points([each for each in points if isinstance(each, Point)], fitted))
    usd_per_hour = cache(rates.usd_per_hour)
    return [
        Prediction({}, error=each)
        if isinstance(each, str)
        else _prediction(each, _with_options(each, next(found), row), usd_per_hour(each.device.id))
        for each, row in zip(points, rows, strict=True)
    ]


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file with at least `COLUMNS`. Raises PredictionTableError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, restkey=SURPLUS, restval="")
            header = reader.fieldnames or ()
            missing = [name for name in COLUMNS if name not in header]
            if missing:
                raise PredictionTableError(
                    f"{path}: the columns {', '.join(missing)} are missing; the header is {','.join(header)!r}",
                    f"begin the file with {','.join(COLUMNS)}",
                )
            return [
                {name: text if isinstance(text, str) else ",".join(text) for name, text in row.items()}
                for row in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PredictionTableError(
            f"{path}: cannot be read as a CSV table: {error}", "give a UTF-8 CSV file"
        ) from error


def write_table(path: Path, rows: Sequence[Mapping[str, str]], predictions: Iterable[Prediction]) -> None:
    """The rows with their predictions, in order."""
    added = [f"{name}{end}" for name in FIGURES for end in ("", "_low", "_high", "_bound")]
    kept = [name for name in (rows[0] if rows else COLUMNS) if name not in {*added, "notes", "error", SURPLUS}]
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow([*kept, *added, "notes", "error"])
        for row, prediction in zip(rows, predictions, strict=True):
            cells = [cell for name in FIGURES for cell in _cells(prediction.figures.get(name))]
            writer.writerow([*(row[name] for name in kept), *cells, "; ".join(prediction.notes), prediction.error])


def _cells(figure: tuple[float, float, float, float] | None) -> Iterator[str]:
    yield from ("", "", "", "") if figure is None else (f"{value:.6g}" for value in figure)


class _Reader:
    """Points from rows; devices and models are looked up once each."""

    def __init__(self, catalog: Catalog) -> None:
        self._device = cache(catalog.device)
        self._model = cache(load_models().model)

    def point(self, row: Mapping[str, str]) -> Point | str:
        """The point, or why the row is none."""
        if SURPLUS in row:
            return f"more cells than the header has columns: {row[SURPLUS]!r} is left over; take it out or quote commas"
        try:
            return Point(
                model=self._model(row["model"].strip()),
                device=self._device(row["device"].strip()),
                tp=_whole(row, "tp"),
                precision=row["precision"].strip(),
                tokens_in=_number(row, "input_tokens"),
                tokens_out=_number(row, "output_tokens"),
                concurrency=_number(row, "concurrency"),
                kv_precision=row.get("kv_precision", "").strip() or None,
                engine=row.get("engine", "").strip() or None,
            )
        except (CostModelError, ValueError) as error:
            return str(error)


def _whole(row: Mapping[str, str], name: str) -> int:
    value = _number(row, name)
    if value != int(value):
        raise ValueError(f"{name} must be a whole number, got {row[name]!r}")
    return int(value)


def _number(row: Mapping[str, str], name: str) -> float:
    try:
        value = float(row[name])
    except ValueError:
        raise ValueError(f"{name} must be a number, got {row[name]!r}") from None
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} must be above 0 and finite, got {row[name]!r}")
    return value


def _with_options(point: Point, served: Served | Unserved, row: Mapping[str, str]) -> Served | Unserved:
    """What the row says of prefix hits and drafts, if it says anything."""
    hit, drafts = row.get("prefix_hit", "").strip(), row.get("speculate", "").strip()
    if isinstance(served, Unserved) or not (hit or drafts):
        return served
    tokens, colon, acceptance = drafts.partition(":")
    try:
        if drafts and not colon:
            raise ValueError(drafts)
        options = EngineOptions(float(hit or 0), int(tokens or 0), float(acceptance or 0))
    except CostModelError as error:
        return Unserved(str(error))
    except ValueError:
        return Unserved(f"prefix_hit is a share and speculate TOKENS:ACCEPT such as 3:0.7, got {hit!r} and {drafts!r}")
    return with_options(point, served, options)


def _prediction(point: Point, served: Served | Unserved, usd_per_hour: float | None) -> Prediction:
    if isinstance(served, Unserved):
        return Prediction({}, error=served.reason)
    rate = served.tokens_per_s
    watts = tuple(point.tp * each for each in serving_w(point.device.tdp_w, served.batch))
    figures: dict[str, tuple[float, float, float, float] | None] = {
        "ttft_s": _of(served.ttft_s, served.bound_ttft_s),
        "tpot_s": _of(served.tpot_s, served.bound_tpot_s),
        "e2e_s": _of(served.e2e_s, served.bound_e2e_s),
        "tokens_per_s": _of(rate, served.bound_tokens_per_s),
        "usd_per_million_tokens": None,
        # the least power at the most tokens, and the other way round: wider than either interval
        "j_per_token": (
            watts[0] / rate.value,
            watts[1] / rate.high,
            watts[2] / rate.low,
            watts[1] / served.bound_tokens_per_s,
        ),
    }
    notes = (*compute_rate(point.device, point.precision)[1], *served.extrapolated)
    if usd_per_hour is None:
        notes = (*notes, f"no price of {point.device.id} is known; a fleet gives price_usd or usd_per_hour")
    else:
        usd = point.tp * usd_per_hour / _SECONDS_PER_HOUR * _PER_MILLION
        tokens = (rate.value, rate.high, rate.low, served.bound_tokens_per_s)
        value, low, high, least = (usd / each for each in tokens)
        figures["usd_per_million_tokens"] = value, low, high, least
    return Prediction(figures, notes, served=served)


def _of(found: Range, bound: float) -> tuple[float, float, float, float]:
    return found.value, found.low, found.high, bound
