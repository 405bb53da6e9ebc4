"""Who may run where: pins, included and excluded classes, and data that stays at a site, as reasons against a pool.

A rule deletes options before anything is solved, and leaves its reason where the option was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from costmodel.fleet import Fleet
from placement.load import AgentDemand, LoadError
from placement.operators import OperatorSpec
from placement.problem import Pool


def check_rules(demand: AgentDemand, specs: Sequence[OperatorSpec], fleet: Fleet) -> None:
    """Raises `LoadError` for a rule that names no operator of the agent, or no class or site of the fleet."""
    operators = {name for spec in specs for name in (spec.id, spec.function)}
    classes = {each.id for each in fleet.classes}
    sites = {each.site for each in fleet.classes}
    served = {spec.function for spec in specs if spec.phase in {"prefill", "decode"}}
    data = demand.data
    rules = (
        ("pins", demand.pins, operators, "operator"),
        ("pins", demand.pins.values(), classes, "class"),
        ("include", demand.include or (), classes, "class"),
        ("exclude", demand.exclude, classes, "class"),
        ("data", () if data is None else data.operators, operators, "operator"),
        ("data", () if data is None else (data.site,), sites, "site"),
        ("tokens", demand.tokens, served, "text generator"),
        ("limits", demand.limits, served, "text generator"),
    )
    for key, named, known, what in rules:
        _check(f"agent {demand.agent!r}: {key}", named, known, what)


def _check(where: str, named: Iterable[str], known: set[str], what: str) -> None:
    for name in named:
        if name not in known:
            raise LoadError(
                f"{where} names the {what} {name!r}, which is not there; use one of {', '.join(sorted(known))}"
            )


def why_not(spec: OperatorSpec, pool: Pool, demand: AgentDemand) -> str | None:
    """The rule of the load file that keeps an operator from a pool; None where none does.

    A pin by the name of a function holds for its model's operators, and for a function without a model for its call.
    """
    if pool.device in demand.exclude:
        return f"{pool.device} is excluded"
    if demand.include is not None and pool.device not in demand.include:
        return f"{pool.device} is not among those included"
    pinned = demand.pins.get(spec.id)
    if pinned is None and (spec.models or spec.phase == "call"):
        pinned = demand.pins.get(spec.function)
    if pinned is not None and pool.device != pinned:
        return f"pinned to {pinned}"
    data = demand.data
    holds = data is not None and (not data.operators or spec.id in data.operators or spec.function in data.operators)
    if data is not None and holds and pool.site != data.site:
        return f"its data stays at site {data.site}"
    return None
