"""Profiles: measured times and costs of tasks on devices, which replace the formulas where they exist.

A row is one call at its token counts. Whatever does not fit the schema is an error: a misread measurement is worse
than none.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from costmodel.errors import ProfileError
from costmodel.names import nearest

COLUMNS = (
    "task",
    "device",
    "tp",
    "latency_s",
    "latency_sd_s",
    "cost_usd",
    "tokens_in",
    "tokens_out",
    "source",
)
"""Columns of the file, in any order. Only latency_sd_s, cost_usd, tokens_in and tokens_out may be empty."""

MAX_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """One call of `task` (`<function>.<phase>`) on `tp` devices of a class; a transfer's device is `a->b`.

    `cost_usd` None: the price of the devices times the latency. `tokens_*` None: the measurement did not depend on
    them.
    """

    task: str
    device: str
    tp: int
    latency_s: float
    latency_sd_s: float | None
    cost_usd: float | None
    tokens_in: float | None
    tokens_out: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Profile:
    """Every row of a profile; no two are of the same task, device and degree."""

    measurements: tuple[ProfileRow, ...] = ()

    def row(self, task: str, device: str, tp: int = 1) -> ProfileRow | None:
        """The row of this task, device and degree, or None."""
        return next((each for each in self.rows(task) if (each.device, each.tp) == (device, tp)), None)

    def rows(self, task: str) -> tuple[ProfileRow, ...]:
        """Every row of this task."""
        return tuple(each for each in self.measurements if each.task == task)

    def has_device(self, device: str) -> bool:
        """True when some task was measured on this device class."""
        return any(each.device == device for each in self.measurements)


def load_profile(path: Path | str) -> Profile:
    """The rows of a CSV file. Raises ProfileError with file and line."""
    lines = csv.DictReader(io.StringIO(_text(Path(path)), newline=""), strict=True)
    seen: dict[tuple[str, str, int], int] = {}
    rows: list[ProfileRow] = []
    try:
        _check_columns(list(lines.fieldnames or ()), f"{path}:1")
        for cells in lines:
            row = _row(cells, f"{path}:{lines.line_num}")
            key = (row.task, row.device, row.tp)
            if key in seen:
                raise ProfileError(
                    f"{path}:{lines.line_num}: {row.task} on {row.device} with tp={row.tp} "
                    f"was already given in line {seen[key]}; keep one"
                )
            seen[key] = lines.line_num
            rows.append(row)
    except csv.Error as error:
        raise ProfileError(f"{path}:{lines.line_num}: not a CSV line ({error})") from error
    return Profile(tuple(rows))


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise ProfileError(f"{path}: the profile cannot be read ({error}); give the path of a CSV file") from error
    if len(content) > MAX_BYTES:
        raise ProfileError(f"{path}: a profile has at most {MAX_BYTES:,} bytes, this one has {len(content):,}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProfileError(f"{path}: a profile is UTF-8 text ({error}); save it as such") from error


def _check_columns(names: list[str], where: str) -> None:
    if len(set(names)) != len(names):
        raise ProfileError(f"{where}: a column is named twice in {','.join(names)}")
    for name in names:
        if name not in COLUMNS:
            raise ProfileError(f"{where}: unknown column {name!r}; {nearest(name, COLUMNS)}")
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise ProfileError(f"{where}: missing column {', '.join(missing)}; the header is {','.join(COLUMNS)}")


def _row(cells: dict[str, str | list[str] | None], where: str) -> ProfileRow:
    texts = {name: cell.strip() for name, cell in cells.items() if isinstance(cell, str)}
    if set(texts) != set(COLUMNS) or len(cells) != len(COLUMNS):
        raise ProfileError(f"{where}: a row has {len(COLUMNS)} cells, one for each column")
    for name in ("task", "device", "source", "latency_s"):
        if not texts[name]:
            raise ProfileError(f"{where}: {name} is empty; write it (a zero latency is written 0)")
    number = _reader(texts, where)
    tp = number("tp")
    if tp is None or tp < 1 or tp != int(tp):
        raise ProfileError(f"{where}: tp must be a whole number of at least 1, got {texts['tp']!r}")
    return ProfileRow(
        task=texts["task"],
        device=texts["device"],
        tp=int(tp),
        latency_s=number("latency_s") or 0.0,
        latency_sd_s=number("latency_sd_s"),
        cost_usd=number("cost_usd"),
        tokens_in=number("tokens_in"),
        tokens_out=number("tokens_out"),
        source=texts["source"],
    )


def _reader(texts: dict[str, str], where: str) -> Callable[[str], float | None]:
    """Reads a column as a number of at least 0, None where the cell is empty."""

    def number(name: str) -> float | None:
        if not texts[name]:
            return None
        try:
            value = float(texts[name])
        except ValueError:
            value = float("nan")
        if not 0 <= value < float("inf"):
            raise ProfileError(f"{where}: {name} must be a finite number of at least 0, got {texts[name]!r}")
        return value

    return number
