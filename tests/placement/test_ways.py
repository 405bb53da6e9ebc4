from dataclasses import replace
from typing import Literal

import pytest

from costmodel.calibration import load_calibration
from costmodel.llm import kv_bytes, weight_bytes
from costmodel.memory import MARGIN
from costmodel.models import load_models
from costmodel.points import Point
from costmodel.profile import ProfileRow
from costmodel.served_options import prefix_ratios
from costmodel.served_turns import turn_ratios
from costmodel.turns import Turns
from placement.kept_turns import FOUND, KEEP, Kept, waiting_calls
from placement.operators import OperatorSpec, PriorTime
from placement.queueing import Arrivals
from placement.service_times import Serving, ServingTimes, serving_times
from placement.shared_problem import Service
from placement.token_counts import of_cv
from placement.ways import (
    DECODE,
    DECODE_ENCODED,
    ENCODE,
    FUNCTIONS,
    MEASURED_TURNS,
    NO_KEPT_TURNS,
    PART,
    PREFILL,
    RUN,
    SERVE,
    Asked,
    Prefix,
    Way,
    kept_tokens,
    ways_of,
)
from tests.placement.sample_agents import H100, call_spec, cores, h100, llm_spec, pricing, row

LLAMA = load_models().model("llama3.1-8b")
IN, OUT = of_cv(1000, 0.5, "stated"), of_cv(100, 0.25, "stated")


def decode(phase: str) -> Asked:
    return Asked(llm_spec("decode"), phase, IN, OUT)


def of(asked: Asked, *classes: object, rows: tuple[ProfileRow, ...] = ()) -> list[Way]:
    return list(ways_of([asked], pricing(*classes, rows=rows), load_calibration())[asked].ways)  # pyright: ignore[reportArgumentType]


def times(batch: int) -> ServingTimes:
    (found,) = serving_times([Serving(LLAMA, H100, 1, "fp16", 1000, 100, batch)], load_calibration())
    assert isinstance(found, ServingTimes)
    return found


def test_a_tool_holds_its_core_only_while_it_is_busy() -> None:
    spec = call_spec(prior=PriorTime(0.3, 0.01, 0.002, 0.05))
    (way,) = of(Asked(spec, FUNCTIONS), cores())
    # 300 ms in all, 10 ms of them on the core
    assert way.service.slot_s == pytest.approx(0.01)
    assert way.service.outside_s == pytest.approx(0.29)
    assert (way.service.sd_s, way.fee_usd, way.slots) == (0.05, 0.002, 1)
    assert way.pool.id == "xeon_8480p/functions"


def test_fused_computes_add_up_and_their_deviations_as_squares() -> None:
    members = tuple(call_spec(f"f{n}", prior=PriorTime(0.1, 0.1, 0.0, sd)) for n, sd in enumerate((0.03, 0.04)))
    (way,) = of(Asked(replace(call_spec(), members=members), FUNCTIONS), cores())
    # 0.1 + 0.1 s; sqrt(0.03^2 + 0.04^2) = 0.05 s
    assert way.service == Service(pytest.approx(0.2), pytest.approx(0.05))  # pyright: ignore[reportArgumentType]


def test_a_decode_among_prompts_takes_its_tokens_times_the_whole_step() -> None:
    way = next(each for each in of(decode(SERVE), h100(1)) if each.slots == 16)
    assert way.service.slot_s == pytest.approx(100 * times(16).token_s)
    assert way.service.sd_s == pytest.approx(0.25 * 100 * times(16).token_s)
    assert way.token_s == times(16).token_s
    assert way.pool.id == "h100_sxm/llama3.1-8b/tp1/fp16/serve"


def test_a_decode_without_prompts_takes_the_bare_step() -> None:
    way = next(each for each in of(decode(DECODE), h100(1)) if each.slots == 16)
    assert way.service.slot_s == pytest.approx(100 * times(16).decode_token_s)


def test_a_pool_of_prompts_reads_one_at_a_time_and_the_servers_time_is_outside() -> None:
    (way,) = of(Asked(llm_spec("prefill"), PREFILL, IN, OUT), h100(1))
    assert way.slots == 1
    assert way.service.slot_s == pytest.approx(times(1).prompt_s)
    assert way.service.outside_s == pytest.approx(times(1).first_s - times(1).prompt_s)
    assert way.service.sd_s == pytest.approx(0.5 * times(1).prompt_s)


def test_batches_end_where_weights_and_the_long_contexts_kv_fill_the_memory() -> None:
    asked = Asked(llm_spec("decode", context_tokens=64_000.0), SERVE, of_cv(60_000, 0.0, ""), of_cv(1000, 0.0, ""))
    # fp16 weights of 16.06 GB; 0.9 x 80 GB leave 55.9 GB, which holds 6 contexts of 61,000 tokens x 131,072 bytes
    free = MARGIN * H100.mem_bytes - weight_bytes(LLAMA, "fp16")
    assert int(free / kv_bytes(LLAMA, 61_000, "fp16")) == 6
    assert [way.slots for way in of(asked, h100(1))] == [1, 2, 4]


def test_a_kept_prefix_shortens_prompts_and_takes_memory() -> None:
    prefix = Prefix(800.0, "9f86")
    plain, kept = (Asked(llm_spec("prefill"), SERVE, IN, OUT, each) for each in (None, prefix))
    one, other = ({way.slots: way.service for way in of(each, h100(1))} for each in (plain, kept))
    point = Point(LLAMA, H100, 1, "fp16", 1000, 100, 16, "fp16")
    ratio = prefix_ratios(point, 800.0).first
    assert other[16].slot_s == pytest.approx(ratio * one[16].slot_s)
    assert 0.2 < ratio < 1.0  # 200 of 1000 tokens are left, and a step has costs of its own
    assert other[16].sd_s == one[16].sd_s  # the prompts vary by as many tokens as before
    # 0.9 x 80 GB less 16.06 GB of weights: 55.94e9 / 131,072 = 426,788 tokens, 4 contexts of 106,000 but not 3,000 more
    long = Asked(llm_spec("prefill", context_tokens=110_000.0), SERVE, of_cv(105_000, 0.0, ""), of_cv(1000, 0.0, ""))
    assert int((MARGIN * H100.mem_bytes - weight_bytes(LLAMA, "fp16")) / kv_bytes(LLAMA, 1, "fp16")) == 426_788
    assert [way.slots for way in of(long, h100(1))] == [1, 2, 4]
    assert [way.slots for way in of(replace(long, prefix=Prefix(3000.0, "9f86")), h100(1))] == [1, 2]


def test_prefixes_of_a_model_are_kept_once_each() -> None:
    one, other = (Asked(llm_spec("prefill"), SERVE, IN, OUT, Prefix(800.0, each)) for each in ("9f86", "aa00"))
    assert kept_tokens([one, one, other]) == {"llama3.1-8b": 1600.0}
    assert kept_tokens([replace(one, prefix=None)]) == {}


def test_an_encoder_apart_from_its_decoder_has_a_pool_with_its_own_weights() -> None:
    spec = replace(
        llm_spec("decode"), function="hear", phase="encode", models=("whisper-large-v3",), tokens_in=None, audio_s=4.0
    )
    encode = of(Asked(spec, ENCODE), h100(1))
    decode = of(Asked(replace(spec, phase="decode_encoded"), DECODE_ENCODED), h100(1))
    assert [way.pool.id for way in encode] == ["h100_sxm/whisper-large-v3/tp1/fp16/encoder"]
    assert [way.pool.id for way in decode] == ["h100_sxm/whisper-large-v3/tp1/fp16/decoder"]
    (whole,) = of(Asked(replace(spec, phase="run"), RUN), h100(1))
    assert encode[0].service.slot_s + decode[0].service.slot_s == pytest.approx(whole.service.slot_s)


def test_a_measured_row_is_one_call_at_a_time_with_its_deviation() -> None:
    measured = replace(row("answer.decode", "h100_sxm", 0.5, 9.0, tp=2), latency_sd_s=0.1)
    (way,) = of(decode(DECODE), h100(4), rows=(measured,))
    # the row's cost is of metered seconds: here the pool is paid by the hour
    assert (way.slots, way.pool.tp, way.service, way.fee_usd) == (1, 2, Service(0.5, 0.1), 0.0)
    assert way.token_s == pytest.approx(0.5 / 100)


def test_a_model_that_generates_no_text_runs_one_call_at_a_time() -> None:
    spec = replace(
        llm_spec("decode"), function="hear", phase="run", models=("whisper-large-v3",), tokens_in=None, audio_s=4.0
    )
    found = of(Asked(spec, RUN), h100(1))
    assert [(way.slots, way.pool.id) for way in found] == [(1, "h100_sxm/whisper-large-v3/tp1/fp16/run")]
    assert found[0].service.outside_s == 0.0


def test_what_does_not_fit_says_so() -> None:
    asked = Asked(llm_spec("decode", models=("llama3.1-70b",)), SERVE, IN, OUT)
    found = ways_of([asked], pricing(h100(1)))[asked]
    assert found.ways == ()
    assert "needs 14" in found.rejected[0]


def keeping(phase: Literal["prefill", "decode"], tool: OperatorSpec) -> Asked:
    return Asked(llm_spec(phase), KEEP, IN, OUT, kept=Kept(Turns(3, 50), ((tool, 1.0),)))


def test_turns_that_find_their_kv_are_shorter_and_those_whose_tools_work_take_memory() -> None:
    quick, slow = (call_spec(prior=PriorTime(seconds, 0.01, 0.0)) for seconds in (0.5, 60.0))
    found = {
        tool.prior.latency_s: ways_of(
            [keeping("prefill", tool), keeping("decode", tool), Asked(tool, FUNCTIONS)],
            pricing(cores(), h100(1)),
            load_calibration(),
        )
        for tool in (quick, slow)
    }
    rows = {
        at: each[keeping("prefill", tool)].ways for (at, each), tool in zip(found.items(), (quick, slow), strict=True)
    }
    (eight,) = (way for way in rows[0.5] if way.slots == 8 and "h100" in way.pool.id)
    point = Point(LLAMA, H100, 1, "fp16", 1000, 100, 8, "fp16")
    ratios, plain = turn_ratios(point, Turns(3, 50), FOUND), times(8)
    assert eight.pool.id == "h100_sxm/llama3.1-8b/tp1/fp16/keep"
    assert eight.service.slot_s == pytest.approx(ratios.first * plain.first_s)
    # prompts deviate by half of their own time, and first ones from later ones
    variance = (ratios.prompt_rms**2 * 1.25 - ratios.prompt**2) * plain.prompt_s**2
    assert eight.service.sd_s == pytest.approx(variance**0.5)
    tokens = {way.slots: way for way in found[0.5][keeping("decode", quick)].ways if "h100" in way.pool.id}
    assert tokens[8].token_s == pytest.approx(max(ratios.between * plain.token_s, plain.decode_token_s))
    turn = tuple(Arrivals(0.0, way.service.slot_s, way.service.sd_s) for way in (eight, tokens[8]))
    assert eight.keeps == tokens[8].keeps == waiting_calls(Turns(3, 50), 0.5, turn, 8)
    # Tools that work for a minute: beside 4 calls 396 contexts of 1,100 + 1.645 x 500.6 / sqrt(396) = 1,141 tokens are
    # 451,836, more than the 426,788 that memory holds; beside 2 calls 215 of 1,156 are 248,540.
    most = {at: max(way.slots for way in each if "h100" in way.pool.id) for at, each in rows.items()}
    assert most == {0.5: 128, 60.0: 2}
    assert any(
        "4 at once: memory: with the KV of 396 calls whose tools work needs" in why
        for why in found[60.0][keeping("prefill", slow)].rejected
    )


def test_nothing_is_kept_where_a_gap_or_its_memory_is_unknown() -> None:
    tool = call_spec()
    person = replace(keeping("prefill", tool), kept=Kept(Turns(3, 50), (), "somebody is asked"))
    ways = ways_of([person], pricing(h100(1)))[person]
    assert (ways.ways, ways.rejected) == ((), ("answer.prefill: somebody is asked",))
    measured = row("answer.decode", "h100_sxm", 0.5, 9.0)
    ways = ways_of([keeping("decode", tool)], pricing(h100(1), rows=(measured,)))[keeping("decode", tool)]
    assert (ways.ways, ways.rejected[-1]) == ((), f"h100_sxm/llama3.1-8b/tp1/fp16: {MEASURED_TURNS}")


def test_turns_keep_their_kv_only_where_the_load_says_so() -> None:
    asked = Asked(llm_spec("prefill", turns=Turns(3, 50)), PART, IN, OUT)
    ways = ways_of([asked], pricing(h100()))[asked]
    assert (ways.ways, ways.rejected) == ((), (f"answer.prefill: {NO_KEPT_TURNS}",))
