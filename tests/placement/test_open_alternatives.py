from collections.abc import Sequence

import pytest

from costmodel.errors import CostError
from placement.open_alternatives import rows_of_all
from placement.options import Rows
from placement.pricing import Pricing
from placement.specs_from_ir import read_specs
from placement.structure import read_structure
from tests.placement.sample_agents import answer_agent, cores, described, graph_op, h100, pricing, row

CALL = {"tokens_in": 1000.0, "tokens_out": 100.0}


def table(priced: Pricing) -> dict[tuple[str, int | None], Rows]:
    """The rows of each operator by its id and the number of its alternative."""
    structure = read_structure(graph_op(answer_agent))
    specs = read_specs(structure.operations)
    found: Sequence[Rows] = rows_of_all(specs, structure, priced)
    within = (None if each is None else each[1] for each in structure.alternatives)
    return {(spec.id, index): rows for spec, index, rows in zip(specs, within, found, strict=True)}


def test_every_alternative_is_open_where_all_its_operators_have_rows() -> None:
    found = table(pricing(cores(), h100()))
    assert all(rows.rows for rows in found.values())
    assert {index for _, index in found} == {None, 0, 1, 2}


def test_an_alternative_with_an_operator_without_rows_closes_whole() -> None:
    # only the whole was measured, and no core is there that could hold the model
    rows = tuple(row(f"answer.{phase}", "hp", 0.1, 0.1, **CALL) for phase in ("prefill", "decode"))
    found = table(pricing(cores(0), described("hp"), rows=rows))
    closed = {name: found[name, 2] for name in ("answer.prefill", "answer.decode_attention", "answer.decode_linear")}
    assert {name: rows.rows for name, rows in closed.items()} == dict.fromkeys(closed, ())
    assert closed["answer.prefill"].rejected == ("answer.prefill: another part of its alternative has no place",)
    assert any("its profile measured 'answer.decode'" in why for why in closed["answer.decode_linear"].rejected)
    assert found["answer.decode", 0].rows
    assert found["answer.decode", 1].rows


def test_where_no_alternative_is_left_what_is_missing_is_told() -> None:
    with pytest.raises(CostError, match=r"no cost rule prices 'answer\.(prefill|decode)' .* not in the catalog"):
        table(pricing(cores(0), described("hp")))
