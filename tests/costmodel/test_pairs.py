"""Economics of pairs: sums of phases, the baseline, and pairs that cannot be."""

import pytest

from costmodel.models import load_models
from costmodel.pairs import LATENCY, THROUGHPUT, Case, Phases, benefits, pair_usd, search, tokens_per_usd, why_not
from costmodel.paper_devices import DEVICES, devices, prices
from costmodel.phase import Assumptions, Workload
from costmodel.phase_search import Impossible, Setting

LOAD = Workload(1000, 500)


def setting(device_s: float) -> Setting:
    return Setting(1, 1, 1, device_s, device_s, 0.0)


def test_a_pair_costs_the_sum_of_its_phases() -> None:
    phases = Phases(
        {"h100": setting(1.8), "b200": setting(0.9)}, {"h100": setting(3.6), "b200": Impossible("too slow")}
    )
    usd = pair_usd(phases, {"h100": 2.0, "b200": 4.0})
    # H100::H100: (1.8 + 3.6) s x 2 $/h / 3600 = 0.003; B200::H100: 0.9 s x 4 $/h + 3.6 s x 2 $/h = 10.8 / 3600 = 0.003
    assert usd == {("h100", "h100"): pytest.approx(0.003), ("b200", "h100"): pytest.approx(0.003)}
    assert benefits(usd) == {("h100", "h100"): 1.0, ("b200", "h100"): pytest.approx(1.0)}
    assert tokens_per_usd(LOAD, usd["h100", "h100"]) == pytest.approx(500 / 0.003)
    assert why_not(phases, ("h100", "b200")) == "too slow"
    assert why_not(phases, ("h100", "h100")) == ""


def test_without_the_baseline_there_is_no_benefit() -> None:
    assert benefits({("b200", "b200"): 1.0}) == {}


def test_a_limit_can_only_cost() -> None:
    model = load_models().model("llama3.1-70b")
    fleet, hourly = devices("dense"), prices("full")
    limited, free = (
        pair_usd(search(Case(model, "fp16", Workload(4096, 512), sla), fleet, Assumptions()), hourly)
        for sla in (LATENCY, THROUGHPUT)
    )
    assert len(free) == len(DEVICES) ** 2
    assert set(limited) < set(free)
    assert all(limited[pair] >= free[pair] for pair in limited)
