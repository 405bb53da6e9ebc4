import pytest

from costmodel.errors import CostError, FleetError
from costmodel.profile import ProfileRow
from placement.measured_rows import function_rows, measured, model_rows
from placement.operators import PriorTime
from placement.pricing import Row
from tests.placement.sample_agents import call_spec, cores, described, h100, llm_spec, pricing, row


def function_row(measurement: ProfileRow, prior: PriorTime) -> Row:
    (found,) = function_rows(call_spec(prior=prior), cores(), pricing(), (measurement,))
    return found


def test_rows_of_the_task_on_the_class() -> None:
    mine, other = row("answer.decode", "h100_sxm", 0.5), row("answer.decode", "b200_sxm", 0.4)
    priced = pricing(rows=(other, mine, row("answer.prefill", "h100_sxm", 0.1)))
    assert measured(llm_spec("decode"), h100(), priced) == (mine,)


def test_a_row_of_another_size_is_refused() -> None:
    priced = pricing(rows=(row("answer.decode", "h100_sxm", 0.5, tokens_in=512),))
    with pytest.raises(CostError, match=r"measured at tokens_in=512, the call 'answer.decode' has 1000"):
        measured(llm_spec("decode"), h100(), priced)


def test_a_measured_cost_is_all_that_a_call_costs() -> None:
    found = function_row(row("search.call", "xeon_8480p", 0.2, 0.5), PriorTime(0.1, 0.01, 0.001))
    assert (found.latency_s, found.cost_usd, found.source) == (0.2, 0.5, "profile")
    assert found.notes == ("profile: test",)


def test_a_row_without_a_cost_costs_the_core_and_what_the_author_says_it_costs_beside() -> None:
    found = function_row(row("search.call", "xeon_8480p", 0.2, None), PriorTime(0.1, 0.01, 0.5))
    assert found.cost_usd == pytest.approx(0.2 * 0.001 + 0.5)  # 0.2 s of a core at 3.60 USD an hour, and a fee
    found = function_row(row("search.call", "xeon_8480p", 0.2, None), PriorTime(None, None, None))
    assert found.cost_usd == pytest.approx(0.2 * 0.001)


def test_a_function_runs_on_one_core() -> None:
    with pytest.raises(CostError, match=r"'search.call' on 'xeon_8480p' has tp=4; .* write tp=1"):
        list(function_rows(call_spec(), cores(), pricing(), (row("search.call", "xeon_8480p", 1.0, tp=4),)))


def test_a_model_on_several_devices_costs_all_of_them() -> None:
    one, four = row("answer.decode", "h100_sxm", 1.0, None), row("answer.decode", "h100_sxm", 0.4, None, tp=4)
    found = list(model_rows(llm_spec("decode"), h100(), pricing(), (one, four)))
    assert [(each.pool.id, each.latency_s) for each in found] == [
        ("h100_sxm/llama3.1-8b/tp1/fp16", 1.0),
        ("h100_sxm/llama3.1-8b/tp4/fp16", 0.4),
    ]
    assert [each.cost_usd for each in found] == pytest.approx([0.002, 4 * 0.4 * 0.002])  # 0.002 USD a second each


def test_a_measured_cost_needs_no_price_and_a_missing_one_does() -> None:
    hp = described("hp")
    priced = pricing(cores(), hp)
    (found,) = model_rows(llm_spec("decode"), hp, priced, (row("answer.decode", "hp", 1.0, 0.3),))
    assert found.cost_usd == 0.3
    with pytest.raises(FleetError, match="give usd_per_hour"):
        list(model_rows(llm_spec("decode"), hp, priced, (row("answer.decode", "hp", 1.0, None),)))


def test_rows_do_not_say_which_of_several_models_they_measured() -> None:
    spec = llm_spec("decode", models=("llama3.1-8b", "llama3.1-70b"))
    with pytest.raises(CostError, match=r"'answer.decode' do not say which of llama3.1-8b, llama3.1-70b"):
        list(model_rows(spec, h100(), pricing(), (row("answer.decode", "h100_sxm", 1.0),)))
