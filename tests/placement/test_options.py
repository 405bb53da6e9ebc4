from dataclasses import replace

import pytest

from costmodel.errors import CatalogError, CostError
from placement.operators import PriorTime
from placement.options import rows_of, with_known_models
from tests.placement.sample_agents import call_spec, cores, described, h100, llm_spec, pricing, row


def test_functions_run_on_cores_only() -> None:
    found = rows_of(call_spec(), pricing(cores(), h100(), cores(name="other_core")))
    assert [each.pool.id for each in found.rows] == ["xeon_8480p/functions", "other_core/functions"]
    assert found.rejected == ()


def test_models_run_on_any_class() -> None:
    found = rows_of(llm_spec("decode"), pricing(cores(), h100(1)))
    assert {each.pool.device for each in found.rows} == {"xeon_8480p", "h100_sxm"}


def test_a_measured_row_replaces_every_formula_on_its_class_and_on_no_other() -> None:
    measured = row("answer.decode", "h100_sxm", 0.5, 0.25, tp=2)
    found = rows_of(llm_spec("decode"), pricing(cores(), h100(4), rows=(measured,)))
    on_h100 = [each for each in found.rows if each.pool.device == "h100_sxm"]
    assert [(each.pool.tp, each.latency_s, each.cost_usd, each.source) for each in on_h100] == [
        (2, 0.5, 0.25, "profile")
    ]
    assert {each.source for each in found.rows if each.pool.device == "xeon_8480p"} == {"roofline"}


def test_a_measured_row_replaces_a_prior() -> None:
    measured = row("search.call", "xeon_8480p", 0.2, 0.5)
    (found,) = rows_of(call_spec(), pricing(rows=(measured,))).rows
    assert (found.latency_s, found.cost_usd, found.source) == (0.2, 0.5, "profile")


def test_a_class_outside_the_catalog_is_fine_where_rows_cover_it() -> None:
    measured = row("answer.decode", "hp", 0.5, 0.25)
    found = rows_of(llm_spec("decode"), pricing(described("hp"), described("co"), rows=(measured,)))
    assert [each.pool.device for each in found.rows] == ["hp"]
    assert found.rejected == ("co: not in the catalog and without a profile row of task 'answer.decode'",)


def test_no_room_anywhere_is_a_limit_and_no_error() -> None:
    found = rows_of(llm_spec("decode", models=("llama3.1-70b",)), pricing(h100(1)))
    assert found.rows == ()
    assert found.rejected[0].startswith("h100_sxm/llama3.1-70b/tp1/fp16: memory: needs 141.6 GB")


def test_an_operator_that_nothing_prices_names_the_rule_the_value_and_the_remedy() -> None:
    with pytest.raises(CostError) as error:
        rows_of(call_spec(prior=PriorTime(0.1, 0.1, None)), pricing())
    assert str(error.value) == (
        "no cost rule prices 'search' (tool.invoke) on any device: xeon_8480p: no profile row, and no cost_usd= in the "
        "decorator. Remedy: give a profile row for task 'search.call', or cost_usd= in the decorator (a zero must be "
        "written)"
    )


def test_missing_token_counts_are_told_once_even_where_memory_is_short_too() -> None:
    with pytest.raises(CostError) as error:
        rows_of(llm_spec("decode", tokens_out=None), pricing(cores(), h100(2)))
    assert str(error.value) == (
        "no cost rule prices 'answer.decode' (llm.decode) on any device: xeon_8480p/llama3.1-8b/tp2/fp16, "
        "xeon_8480p/llama3.1-8b/tp4/fp16, xeon_8480p/llama3.1-8b/tp8/fp16 and 2 more: the call states no tokens_out. "
        "Remedy: give a profile row for task 'answer.decode', or tokens_in= and tokens_out= in the decorator"
    )


def test_a_fleet_without_cores_cannot_run_functions() -> None:
    with pytest.raises(CostError, match=r"'search'.*fleet 'test' has no CPU cores to run it. Remedy: add a class"):
        rows_of(call_spec(), pricing(h100()))


def test_a_model_run_that_nothing_prices() -> None:
    spec = replace(llm_spec("decode"), id="draw", op="model.run", function="draw", phase="run", audio_s=4.0)
    with pytest.raises(CostError, match=r"no cost rule prices 'draw' \(model.run\).*task 'draw.run'$"):
        rows_of(spec, pricing(h100(1)))


def test_aliases_become_ids_and_unknown_models_errors() -> None:
    models = pricing().models
    assert with_known_models(llm_spec("decode", models=("llama3.1-8b", "llama3.1-70")), models).models == (
        "llama3.1-8b",
        "llama3.1-70b",
    )
    assert with_known_models(llm_spec("decode", models=("llama3.1-70", "llama3.1-70b")), models).models == (
        "llama3.1-70b",
    )
    assert with_known_models(call_spec(), models) == call_spec()
    with pytest.raises(CatalogError, match=r"'answer': no model in the catalog: 'lama3.1-8b' .* 'llama3.1-8b'"):
        with_known_models(llm_spec("decode", models=("lama3.1-8b",)), models)
