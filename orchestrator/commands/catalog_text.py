"""The catalogs as text and as JSON: a table of each kind, and one entry with every source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from costmodel.facts import Fact
from orchestrator.commands.text import table, usd
from orchestrator.shelves import CatalogEntry, Shelves, of_kind

_COLUMNS: dict[str, dict[str, tuple[str, float]]] = {
    "devices": {
        "GB": ("mem_bytes", 1e9),
        "GB/s": ("mem_bytes_per_s", 1e9),
        "FP16 TFLOP/s": ("flops_per_s.fp16", 1e12),
        "FP8": ("flops_per_s.fp8", 1e12),
        "FP4": ("flops_per_s.fp4", 1e12),
        "TDP W": ("tdp_w", 1.0),
    },
    "models": {
        "layers": ("layers", 1.0),
        "parameters, 1e9": ("params_total", 1e9),
        "active": ("params_active", 1e9),
        "KV B/token": ("kv_bytes_per_token_fp16", 1.0),
        "context": ("max_ctx_tokens", 1.0),
    },
    "links": {"GB/s": ("bytes_per_s", 1e9), "latency us": ("latency_s", 1e-6)},
    "energy": {},
}
"""By kind, the columns of its list: the fact and the number that it is divided by."""

FOOT = "rates are dense; a CPU's row is of its socket, its price of a core; sources: `orchestrator catalog ID`"


def list_text(found: Shelves, kind: str | None) -> str:
    """A table for each kind. Raises CatalogError for an unknown one."""
    texts = [f"{name}\n{_list(name, shelf)}" for name, shelf in of_kind(found, kind).items()]
    return "\n\n".join([*texts, FOOT])


def list_json(found: Shelves, kind: str | None) -> dict[str, Any]:
    """Every id of each kind with its values, without their sources."""
    return {
        name: {id_: {field: fact.value for field, fact in entry.facts.items()} for id_, entry in shelf.items()}
        for name, shelf in of_kind(found, kind).items()
    }


def entry_text(entry: CatalogEntry) -> str:
    """Every fact of an entry with its source, and for a device the price of an hour."""
    rows = [(name, fact.value, fact.source.confidence, fact.source.text) for name, fact in entry.facts.items()]
    lines = [f"{entry.id} ({entry.kind})", "", table(("field", "value", "confidence", "source"), rows, ("value",))]
    return "\n".join([*lines, *_price_lines(entry)])


def entry_json(entry: CatalogEntry) -> dict[str, Any]:
    """An entry as a document."""
    price = entry.price
    return {
        "id": entry.id,
        "kind": entry.kind,
        "facts": {
            name: {"value": fact.value, "confidence": fact.source.confidence, "source": fact.source.text}
            for name, fact in entry.facts.items()
        },
        "price": None
        if price is None
        else {"usd_per_hour": price.usd_per_hour, "terms": dict(price.terms), "basis": price.basis},
    }


def _price_lines(entry: CatalogEntry) -> Iterator[str]:
    if entry.kind != "devices":
        return
    yield ""
    if entry.price is None:
        yield "an hour of it has no price here: a fleet gives price_usd or usd_per_hour"
        return
    terms = " + ".join(f"{name} {usd(amount)}" for name, amount in entry.price.terms.items())
    of = " of a core" if entry.facts["kind"].value == "cpu" else ""
    yield f"an hour{of} costs {usd(entry.price.usd_per_hour)} = {terms}"
    yield f"  {entry.price.basis}"


def _list(kind: str, shelf: Mapping[str, CatalogEntry]) -> str:
    columns = _COLUMNS[kind]
    if not columns:
        rows = [(id_, *_first(entry)) for id_, entry in shelf.items()]
        return table(("id", "field", "value", "confidence"), rows, ("value",))
    header = ("id", *columns, *(("USD/hour",) if kind == "devices" else ()), "least sure")
    rows = [_row(entry, columns) for entry in shelf.values()]
    return table(header, rows, header[1:-1])


def _first(entry: CatalogEntry) -> tuple[str, str, str]:
    field, fact = next(iter(entry.facts.items()))
    return field, fact.value, fact.source.confidence


def _row(entry: CatalogEntry, columns: Mapping[str, tuple[str, float]]) -> tuple[str, ...]:
    cells = [_amount(entry.facts.get(field), unit) for field, unit in columns.values()]
    price = [] if entry.kind != "devices" else ["" if entry.price is None else f"{entry.price.usd_per_hour:.4g}"]
    shown = [entry.facts[field] for field, _ in columns.values() if field in entry.facts]
    return (entry.id, *cells, *price, _least_sure(shown))


def _amount(fact: Fact | None, unit: float) -> str:
    return "" if fact is None else f"{fact.number() / unit:.6g}"


_DOUBT = ("sourced", "computed", "paper", "datasheet-from-memory", "estimate", "goal")
"""Confidences from the surest to the least sure."""


def _least_sure(facts: list[Fact]) -> str:
    return max((fact.source.confidence for fact in facts), key=_DOUBT.index, default="")
