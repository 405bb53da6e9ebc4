from dataclasses import replace

import pytest

from placement.load import AgentDemand, DataRule, LoadError, StatedLimits
from placement.pricing import cpu_pool, model_pool
from placement.rules import check_rules, why_not
from tests.placement.sample_agents import call_spec, cores, fleet, h100, llm_spec

SPECS = (llm_spec("render"), llm_spec("prefill"), llm_spec("decode"), call_spec())
ON_H100 = model_pool(h100(), "llama3.1-8b", 1, "fp16")
ON_CORES = cpu_pool(cores())


def demand(**rules: object) -> AgentDemand:
    return replace(AgentDemand("one", 1.0), **rules)  # pyright: ignore[reportArgumentType]


def test_without_rules_anything_goes() -> None:
    assert [why_not(spec, ON_H100, demand()) for spec in SPECS] == [None] * 4


def test_classes_may_be_excluded_or_the_only_ones() -> None:
    assert why_not(SPECS[1], ON_H100, demand(exclude=("h100_sxm",))) == "h100_sxm is excluded"
    assert why_not(SPECS[1], ON_H100, demand(include=("a40",))) == "h100_sxm is not among those included"
    assert why_not(SPECS[1], ON_H100, demand(include=("h100_sxm",))) is None


def test_a_pin_by_function_is_of_its_model_and_not_of_its_host_steps() -> None:
    pinned = demand(pins={"answer": "a40"})
    assert [why_not(spec, ON_H100, pinned) for spec in SPECS] == [None, "pinned to a40", "pinned to a40", None]
    assert why_not(SPECS[3], ON_CORES, demand(pins={"search": "other"})) == "pinned to other"


def test_a_pin_of_one_operator() -> None:
    pinned = demand(pins={"answer.decode": "a40"})
    assert [why_not(spec, ON_H100, pinned) for spec in SPECS] == [None, None, "pinned to a40", None]


def test_data_stays_at_its_site() -> None:
    away = replace(ON_H100, site="cloud")
    assert why_not(SPECS[1], away, demand(data=DataRule("dc"))) == "its data stays at site dc"
    assert why_not(SPECS[1], ON_H100, demand(data=DataRule("dc"))) is None
    assert why_not(SPECS[1], away, demand(data=DataRule("dc", ("search",)))) is None
    assert why_not(SPECS[3], away, demand(data=DataRule("dc", ("search",)))) == "its data stays at site dc"


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({"pins": {"absent": "h100_sxm"}}, "pins names the operator 'absent'"),
        ({"pins": {"search": "absent"}}, "pins names the class 'absent'"),
        ({"include": ("absent",)}, "include names the class 'absent'"),
        ({"exclude": ("absent",)}, "exclude names the class 'absent'"),
        ({"data": DataRule("absent")}, "data names the site 'absent'"),
        ({"limits": {"search": StatedLimits()}}, "limits names the text generator 'search'"),
    ],
)
def test_a_rule_that_names_nothing_is_an_error(rules: dict[str, object], why: str) -> None:
    with pytest.raises(LoadError, match=f"agent 'one': {why}, which is not there; use one of"):
        check_rules(demand(**rules), SPECS, fleet())


def test_rules_that_name_what_is_there() -> None:
    check_rules(demand(pins={"answer": "h100_sxm"}, include=("h100_sxm",), data=DataRule("dc")), SPECS, fleet())
