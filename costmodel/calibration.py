"""What a fit found: coefficients, what they were fitted on, how far off they are, and where they may be believed.

A profile of this kind is a small YAML document that a person can read and a program can load; the shipped one is
`data/calibration.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, cast

import yaml

from costmodel.errors import ProfileError
from costmodel.points import Point
from costmodel.served_step import Coefficients

ANY = "any"
"""The key of the coefficients for all points alike; `device:<id>` and `engine:<name>` are refinements."""

Quantity = Literal["ttft", "tpot"]
QUANTITIES: tuple[Quantity, ...] = ("ttft", "tpot")

SITUATIONS = (
    "known engine",
    "named engine",
    "known",
    "unseen model",
    "unseen version",
    "unseen engine",
    "unseen device",
    "unlike device",
)
"""How far a point is from what was fitted: engine and version, device, model and precision were in the data; all were,
but only the engine's name is told; not even that is; the model or precision was not in the data; the engine was, but
not in this version; the engine was not; the device was not, but another of its vendor and kind; no such device
either."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle 80 % of measurements lies between `low` and `high` times what is predicted, and `more_s` seconds.

    Seconds, as the host of an older engine adds to a step as much on a fast device as on a slow one.
    """

    low: float
    high: float
    more_s: float = 0.0

    def ends(self, predicted_s: float) -> tuple[float, float]:
        """The interval around a prediction, seconds."""
        return self.low * predicted_s, self.high * predicted_s + self.more_s


@dataclass(frozen=True, slots=True)
class Error:
    """Mean absolute percentage error and bias (both as shares) over `rows` of one part of the data."""

    dataset: str
    device: str
    model: str
    phase: str
    rows: int
    mape: float
    bias: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fit of the serving model. `fitted_on` and `date` say on what and when.

    `coefficients` by key. `spread` by quantity and situation, from residuals of points that were left out of the fit.
    `errors` in sample, by dataset, device, model and phase. `ranges` are the least and the greatest of each input that
    was measured, `seen` the pairs of device and model, with the precisions of each.
    """

    name: str
    date: str
    fitted_on: tuple[str, ...]
    coefficients: Mapping[str, Coefficients]
    spread: Mapping[Quantity, Mapping[str, Spread]]
    errors: tuple[Error, ...]
    ranges: Mapping[str, tuple[float, float]]
    devices: tuple[str, ...]
    families: tuple[str, ...]
    models: tuple[str, ...]
    precisions: tuple[str, ...]

    def situations(self, point: Point) -> tuple[str, ...]:
        """All of `SITUATIONS` that hold, the farthest first; none of them covers another."""
        engine = self._engine(point)
        new_engine = (engine,) if engine in {"unseen version", "unseen engine"} else ()
        if point.device.id not in self.devices:
            return ("unseen device" if family(point) in self.families else "unlike device", *new_engine)
        new_model = point.model.id not in self.models or point.precision not in self.precisions
        return (*new_engine, *(("unseen model",) if new_model else ())) or (engine,)

    def situation(self, point: Point) -> str:
        """How far the point is from what was fitted; one or more of `SITUATIONS`."""
        return ", ".join(self.situations(point))

    def spread_of(self, quantity: Quantity, point: Point) -> Spread:
        """The interval around what is predicted for a point, the widest of its situations."""
        found = [self.spread[quantity][each] for each in self.situations(point)]
        return hull(*found)

    def _engine(self, point: Point) -> str:
        if point.engine is None:
            return "known"
        key = choose(self.coefficients, point)
        if key == f"engine:{point.engine}":
            return "known engine" if " " in point.engine else "named engine"
        return "unseen version" if key.startswith("engine:") else "unseen engine"

    def extrapolations(self, point: Point) -> tuple[str, ...]:
        """What about a point lies outside the data: device, model, precision, or an input beyond its range."""
        notes: list[str] = []
        device = point.device.id
        if f"device:{device}" in self.coefficients and device not in self.devices:
            notes.append(f"too few servings on {device} were measured for an interval of its own: as of one not seen")
        elif device not in self.devices:
            notes.append(f"no serving on {device} was measured, only on {', '.join(self.devices)}")
        if point.model.id not in self.models:
            notes.append(f"no serving of {point.model.id} was measured")
        if point.precision not in self.precisions:
            notes.append(f"no serving in {point.precision} was measured")
        engine = self._engine(point)
        if engine.startswith("unseen"):
            engines = sorted(key.removeprefix("engine:") for key in self.coefficients if key.startswith("engine:"))
            notes.append(
                f"no serving under {point.engine} was measured, only under {', '.join(engines) or 'none told'}"
            )
        for name, value in inputs(point).items():
            low, high = self.ranges[name]
            if not low <= value <= high:
                notes.append(f"{name} {value:g} is outside {low:g} to {high:g}, what was measured")
        return tuple(notes)


def hull(*spreads: Spread) -> Spread:
    """The narrowest spread that no one of these reaches beyond."""
    low, high, more_s = zip(*((each.low, each.high, each.more_s) for each in spreads), strict=True)
    return Spread(min(low), max(high), max(more_s))


def keys(point: Point) -> tuple[str, ...]:
    """Keys of the coefficients that fit a point, nearest first: its engine and version, its engine, its device."""
    engine = () if point.engine is None else (point.engine, point.engine.split()[0])
    return (*(f"engine:{each}" for each in dict.fromkeys(engine)), f"device:{point.device.id}")


def choose(coefficients: Mapping[str, Coefficients], point: Point) -> str:
    """The key of the nearest coefficients that there are for a point."""
    return next((key for key in keys(point) if key in coefficients), ANY)


def family(point: Point) -> str:
    """Vendor and kind of a device: what shares software and design."""
    return f"{point.device.vendor} {point.device.kind}"


def inputs(point: Point) -> dict[str, float]:
    """The inputs whose range a calibration remembers."""
    return {
        "tp": float(point.tp),
        "tokens_in": point.tokens_in,
        "tokens_out": point.tokens_out,
        "concurrency": point.concurrency,
    }


def to_yaml(calibration: Calibration) -> str:
    """The profile document."""
    document = {
        "kind": "serving calibration",
        "name": calibration.name,
        "date": calibration.date,
        "fitted_on": list(calibration.fitted_on),
        "devices": list(calibration.devices),
        "families": list(calibration.families),
        "models": list(calibration.models),
        "precisions": list(calibration.precisions),
        "ranges": {name: list(ends) for name, ends in calibration.ranges.items()},
        "coefficients": {
            key: {name: _short(value) for name, value in each.values().items()}
            for key, each in calibration.coefficients.items()
        },
        "spread": {
            quantity: {
                name: [_short(end) for end in (each.low, each.high, each.more_s)[: 3 if each.more_s else 2]]
                for name, each in spreads.items()
            }
            for quantity, spreads in calibration.spread.items()
        },
        "errors": [
            {name: _short(value) if isinstance(value, float) else value for name, value in asdict(each).items()}
            for each in calibration.errors
        ],
    }
    return yaml.safe_dump(document, sort_keys=False, width=120, default_flow_style=None, allow_unicode=True)


def load_calibration(path: Path | None = None) -> Calibration:
    """The shipped calibration, or one from a profile document. Raises ProfileError."""
    return _shipped() if path is None else _read(path)


@cache
def _shipped() -> Calibration:
    return _read(Path(str(files("costmodel").joinpath("data", "calibration.yaml"))))


def _read(path: Path) -> Calibration:
    try:
        document: object = yaml.safe_load(path.read_text(encoding="utf-8"))
        return _calibration(cast(dict[str, object], document))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ProfileError(f"{path}: the calibration cannot be read ({error}); give a YAML file") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProfileError(
            f"{path}: no serving calibration of this version ({error!r}); write one with `orchestrator calibrate`"
        ) from error


def _calibration(document: dict[str, object]) -> Calibration:
    if document["kind"] != "serving calibration":
        raise ValueError(f"kind is {document['kind']!r}")
    coefficients = cast(dict[str, dict[str, float]], document["coefficients"])
    spread = cast(dict[Quantity, dict[str, list[float]]], document["spread"])
    found = Calibration(
        name=str(document["name"]),
        date=str(document["date"]),
        fitted_on=_names(document, "fitted_on"),
        coefficients={key: Coefficients(**values) for key, values in coefficients.items()},
        spread={quantity: {name: Spread(*ends) for name, ends in spread[quantity].items()} for quantity in QUANTITIES},
        errors=tuple(Error(**values) for values in cast(list[dict[str, object]], document["errors"])),  # pyright: ignore[reportArgumentType] - checked below
        ranges={name: (low, high) for name, (low, high) in cast(dict[str, list[float]], document["ranges"]).items()},
        devices=_names(document, "devices"),
        families=_names(document, "families"),
        models=_names(document, "models"),
        precisions=_names(document, "precisions"),
    )
    _check(found)
    return found


def _check(found: Calibration) -> None:
    for key, each in found.coefficients.items():
        wrong = {name: value for name, value in each.values().items() if not 0 <= value < float("inf")}
        wrong |= {
            name: value for name, value in each.values().items() if name.endswith("_share") and not 0 < value <= 1
        }
        if wrong:
            raise ValueError(f"coefficients {key!r}: shares are in (0, 1], all are finite and at least 0: {wrong}")
    if ANY not in found.coefficients:
        raise ValueError(f"coefficients lack {ANY!r}")
    for quantity in QUANTITIES:
        spreads = found.spread[quantity]
        bad = [name for name in SITUATIONS if name not in spreads or not _is_spread(spreads[name])]
        if bad:
            raise ValueError(f"the spread of {quantity} lacks {', '.join(bad)}")


def _is_spread(of: Spread) -> bool:
    return 0 < of.low <= of.high < float("inf") and 0 <= of.more_s < float("inf")


def _names(document: Mapping[str, object], key: str) -> tuple[str, ...]:
    return tuple(str(each) for each in cast(list[object], document[key]))


def _short(value: float) -> float:
    """Four figures: what the data can tell apart."""
    return float(f"{value:.4g}")
