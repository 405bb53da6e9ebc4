from dataclasses import replace

from placement.packs import in_pack, packs
from placement.pricing import cpu_pool
from placement.shared_problem import Service
from placement.token_counts import of_cv
from placement.ways import RUN, SERVE, Asked, Way, ways_of
from tests.placement.sample_agents import CATALOG, cores, h100, llm_spec, pricing

HEAR = Asked(replace(llm_spec("decode"), id="hear", phase="run", models=("whisper-large-v3",), audio_s=4.0), RUN)
SAY = Asked(replace(HEAR.spec, id="say", models=("kokoro-82m", "orpheus-3b-tts")), RUN)
DECODE = Asked(llm_spec("decode"), SERVE, of_cv(1000, 0.0, ""), of_cv(100, 0.0, ""))
BIG = Asked(llm_spec("decode", models=("llama3.1-70b",)), SERVE, DECODE.tokens_in, DECODE.tokens_out)


def models(*asked: Asked) -> list[tuple[str, ...]]:
    return [pack.models for pack in packs([asked], pricing(cores(), h100(1)))]


def test_larger_packs_first_and_one_model_for_each_operator() -> None:
    assert models(HEAR, SAY, DECODE)[:2] == [
        ("kokoro-82m", "llama3.1-8b", "whisper-large-v3"),
        ("llama3.1-8b", "orpheus-3b-tts", "whisper-large-v3"),
    ]
    assert ("kokoro-82m", "orpheus-3b-tts") not in models(HEAR, SAY, DECODE)


def test_no_pack_of_one_model_or_of_more_than_fits() -> None:
    assert models(DECODE) == []
    assert models(HEAR, BIG) == []  # 141 GB of weights beside the others' on 80 GB


def test_agents_packs_are_of_their_own_models() -> None:
    found = packs([(HEAR,), (DECODE,)], pricing(h100(1)))
    assert list(found) == []


def test_a_pack_takes_what_a_call_takes_alone() -> None:
    prices = pricing(h100(2))
    (pack,) = packs([(HEAR, DECODE)], prices)
    alone = [way for way in ways_of([DECODE], prices)[DECODE].ways if (way.slots, way.pool.tp) == (1, 1)]
    packed = in_pack(pack, ways_of([DECODE], prices)[DECODE].ways)
    assert packed is not None
    assert (packed.service, packed.slots) == (alone[0].service, 1)
    assert packed.pool.id == "h100_sxm/llama3.1-8b+whisper-large-v3/tp1/fp16/pack"
    assert packed.pool.place == "h100_sxm"


def test_functions_are_in_no_pack() -> None:
    (pack,) = packs([(HEAR, DECODE)], pricing(h100(2)))
    assert in_pack(pack, [Way(cpu_pool(cores()), 1, Service(1.0, 0.0), 0.0, "test")]) is None


def test_the_note_says_what_a_switch_would_take() -> None:
    prices = pricing(h100(2))
    (pack,) = packs([(HEAR, DECODE)], prices)
    # 16.06 GB of weights over 64 GB/s x 0.8 = 0.314 s, longer than whisper's
    assert pack.note(prices).endswith("loading one of them anew would take up to 0.314 s")


def test_no_spyre_card_holds_two_models() -> None:
    card = replace(h100(2), id="spyre_1_0", device=CATALOG.device("spyre_1_0"))
    assert list(packs([(HEAR, DECODE)], pricing(card))) == []
