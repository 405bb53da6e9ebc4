from dataclasses import replace

import pytest

from costmodel.errors import CostError
from costmodel.profile import Profile
from placement.measured_sizes import check_size, with_measured_sizes
from placement.operators import OperatorSpec
from tests.placement.sample_agents import call_spec, llm_spec, row

PARTS = tuple(llm_spec(phase) for phase in ("render", "prefill", "decode", "parse"))


def sized(specs: tuple[OperatorSpec, ...], *rows: tuple[str, float | None, float | None]) -> tuple[OperatorSpec, ...]:
    """The specs after a profile with (task, tokens_in, tokens_out)."""
    counts = [{"tokens_in": a, "tokens_out": b} for _, a, b in rows]
    given = [{key: value for key, value in each.items() if value is not None} for each in counts]
    measured = [row(task, f"d{i}", 1.0, 0.0, **given[i]) for i, (task, _, _) in enumerate(rows)]
    return with_measured_sizes(specs, Profile(tuple(measured)))


def test_without_rows_nothing_changes() -> None:
    assert sized(PARTS) == PARTS
    assert sized(PARTS, ("answer.prefill", None, None), ("other.prefill", 7, 7)) == PARTS


def test_counts_that_are_confirmed_leave_no_note() -> None:
    assert sized(PARTS, ("answer.prefill", 1000, None), ("answer.decode", 1000, 100)) == PARTS


def test_measured_counts_replace_the_expected_ones_in_every_part() -> None:
    render, prefill, decode, parse = sized(PARTS, ("answer.prefill", 1500, None), ("answer.decode", None, 50))
    assert [(part.tokens_in, part.tokens_out) for part in (render, prefill, decode, parse)] == [(1500, 50)] * 4
    # the prompt is 1.5 times as long, the text half as long; a prefill's result has no such length
    assert [part.bytes_out for part in (render, prefill, decode, parse)] == [600, 400, 200, 200]
    assert [part.context_tokens for part in (prefill, decode)] == [1700, 1700]
    assert prefill.notes == (
        "tokens_in=1500 as measured, not 1000 as expected",
        "tokens_out=50 as measured, not 100 as expected",
    )
    assert render.notes == ()


def test_counts_that_the_author_leaves_out_come_from_any_part() -> None:
    unsized = tuple(replace(part, tokens_in=None, tokens_out=None, context_tokens=200.0) for part in PARTS)
    found = sized(unsized, ("answer.decode", 1000, 100), ("answer.kv_transfer", 1000, None))
    assert [(part.tokens_in, part.tokens_out, part.context_tokens) for part in found] == [(1000, 100, 1200)] * 4
    assert [part.notes for part in found] == [()] * 4


def test_rows_that_disagree_leave_the_authors_count() -> None:
    assert sized(PARTS, ("answer.prefill", 1000, None), ("answer.prefill", 2000, None)) == PARTS


def test_rows_that_disagree_on_a_count_that_nobody_states_are_refused() -> None:
    unsized = tuple(replace(part, tokens_in=None) for part in PARTS)
    with pytest.raises(CostError, match=r"'answer' were measured at several tokens_in \(1000, 2000\).*set tokens_in="):
        sized(unsized, ("answer.prefill", 1000, None), ("answer.prefill", 2000, None))


def test_calls_of_one_function_with_different_counts_keep_them() -> None:
    longer = tuple(replace(part, id=f"longer.{part.phase}", tokens_in=4000.0) for part in PARTS)
    assert sized(PARTS + longer, ("answer.prefill", 1000, None)) == PARTS + longer


def test_a_size_in_seconds_is_not_touched_by_token_counts() -> None:
    speech = OperatorSpec("speak", "speak", "model.run", "speak", "run", 1.0, ("kokoro-82m",), audio_s=6.0)
    assert sized((speech,), ("speak.run", 30, None)) == (speech,)
    embedding = OperatorSpec("embed", "embed", "model.run", "embed", "run", 1.0, ("bge-m3",), tokens_in=30.0)
    assert sized((embedding,), ("embed.run", 60, None))[0].tokens_in == 60


def test_a_tools_measured_answer_scales_its_bytes() -> None:
    tool = call_spec(tokens_out=50.0, bytes_out=200.0)
    assert [each.bytes_out for each in sized((tool,), ("search.call", None, 75))] == [300]


@pytest.mark.parametrize(("name", "asked"), [("tokens_in", 1000), ("tokens_out", 100)])
def test_a_row_of_another_size_is_refused(name: str, asked: float) -> None:
    measured = row("answer.decode", "h100_sxm", 1.0, 0.0, **{name: 512})
    with pytest.raises(CostError, match=rf"measured at {name}=512, the call 'answer.decode' has {asked}; .*{name}=512"):
        check_size(llm_spec("decode"), measured)
    check_size(llm_spec("decode", tokens_in=None, tokens_out=None), measured)
    check_size(llm_spec("decode"), row("answer.decode", "h100_sxm", 1.0, 0.0, tokens_in=1000, tokens_out=100))


def test_what_was_fused_has_its_own_sizes_and_the_result_of_the_last() -> None:
    members = (call_spec("split", tokens_out=10.0, bytes_out=40.0), call_spec("tell", tokens_out=50.0, bytes_out=200.0))
    whole = call_spec("split, tell", members=members, tokens_out=50.0, bytes_out=200.0)
    (found,) = sized((whole,), ("split.call", None, 20), ("tell.call", None, 75))
    assert [(each.tokens_out, each.bytes_out) for each in found.members] == [(20, 80), (75, 300)]
    assert (found.tokens_out, found.bytes_out) == (75, 300)
    assert sized((whole,)) == (whole,)
