from dataclasses import replace
from typing import Literal

import pytest

from costmodel.llm import kv_bytes, weight_bytes
from costmodel.memory import MARGIN
from costmodel.models import load_models
from placement.load import AgentDemand
from placement.offer import Offered, level_keys
from placement.problem import Pool
from placement.several_models import Several, several_models
from placement.shared_problem import Loading
from placement.token_counts import of_cv
from placement.turns import in_turns, takes_turns, turns
from placement.ways import SERVE, Asked, Ways, ways_of
from tests.placement.sample_agents import CATALOG, H100, cores, h100, llm_spec, pricing

MODELS = load_models()
IN, OUT = of_cv(1000, 0.0, ""), of_cv(100, 0.0, "")


def calls(model: str, phase: Literal["prefill", "decode"] = "decode") -> Asked:
    return Asked(replace(llm_spec(phase, models=(model,)), function=f"ask_{model}"), SERVE, IN, OUT)


QWEN, MISTRAL, SMALL = (calls(name) for name in ("qwen3-32b", "mistral-small-3.2-24b", "llama3.1-8b"))
RATES = {"qwen3-32b": 0.01, "mistral-small-3.2-24b": 0.02}


def test_models_that_fit_one_by_one_and_not_together_take_turns() -> None:
    qwen, mistral = (weight_bytes(MODELS.model(name), "fp16") for name in RATES)
    kept = sum(kv_bytes(MODELS.model(name), QWEN.context_tokens, "fp16") for name in RATES)
    # 65.6 and 47.2 GB of weights: each fits beside both calls' KV into 0.9 x 80 GB, both do not
    assert max(qwen, mistral) + kept < MARGIN * H100.mem_bytes < qwen + mistral
    (found,) = turns([(QWEN,), (MISTRAL,)], RATES, pricing(cores(), h100(1)))
    assert found.pool.id == "h100_sxm/mistral-small-3.2-24b+qwen3-32b/tp1/fp16/turns"
    # over a bus of 64 GB/s, of which 0.8 are reached
    assert found.loads_s == pytest.approx({"mistral-small-3.2-24b": mistral / 51.2e9, "qwen3-32b": qwen / 51.2e9})
    assert takes_turns(found.pool)


def test_models_that_fit_together_do_not() -> None:
    rates = {"llama3.1-8b": 1.0, "mistral-small-3.2-24b": 0.02}
    assert list(turns([(SMALL,), (MISTRAL,)], rates, pricing(h100(1)))) == []


def test_no_more_devices_than_it_takes() -> None:
    big = calls("llama3.1-70b")
    rates = {"llama3.1-70b": 0.01, "qwen3-32b": 0.01}
    (found,) = turns([(big,), (QWEN,)], rates, pricing(h100(8)))
    # 141.2 GB of weights fit on two devices, beside 65.6 GB on no fewer than four
    assert found.pool.tp == 2
    assert found.loads_s["llama3.1-70b"] == pytest.approx(141.2e9 / 2 / 51.2e9)


def test_a_spyre_card_and_a_cpu_take_no_turns() -> None:
    card = replace(h100(2), id="spyre_1_0", device=CATALOG.device("spyre_1_0"))
    assert list(turns([(QWEN,), (MISTRAL,)], RATES, pricing(card, cores()))) == []


def test_a_way_in_turns_loads_its_model_and_tokens_continue_their_prompt() -> None:
    prices = pricing(h100(1))
    (found,) = turns([(QWEN,), (MISTRAL,)], RATES, prices)
    prompt = calls("qwen3-32b", "prefill")
    for asked, continues in ((prompt, False), (QWEN, True)):
        alone = ways_of([asked], prices)[asked].ways
        way = in_turns(found, asked, alone)
        assert way is not None
        assert (way.pool, way.slots) == (found.pool, 1)
        assert way.service.loading == Loading("qwen3-32b", found.loads_s["qwen3-32b"], continues)
        assert way.service.slot_s == min(each.service.slot_s for each in alone if (each.slots, each.pool.tp) == (1, 1))


def offered(rate_per_s: float) -> list[Pool]:
    prices = pricing(cores(), h100(8))
    agents = [(AgentDemand(name, rate_per_s), (calls(name, "prefill"),)) for name in RATES]
    several = several_models(agents, prices)
    assert isinstance(several, Several)
    rows: list[Offered] = []
    for demand, asked in agents:
        alone = ways_of(asked, prices)[asked[0]].ways
        rows.append(Offered(demand, asked, (Ways((*alone, *several.ways(asked[0], alone)), ()),)))
    return [spot[0] for spot, _, _ in level_keys(rows, prices.fleet, 1.0) if takes_turns(spot[0])]


def test_turns_are_offered_where_they_take_fewer_replicas_than_models() -> None:
    assert len(offered(0.01)) == 1
    assert offered(1.0) == []
