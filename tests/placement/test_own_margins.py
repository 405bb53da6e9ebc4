from dataclasses import replace
from pathlib import Path

import pytest

from costmodel.calibration import load_calibration
from placement.load import INTERVAL, LoadError
from placement.operators import PriorTime
from placement.own_margins import with_margin
from placement.token_counts import of_cv
from placement.ways import DECODE, FUNCTIONS, RUN, SERVE, Asked, Way, ways_of
from tests.placement.sample_agents import call_spec, cores, h100, llm_spec, pricing, row

SPREAD = load_calibration().spread
IN, OUT = of_cv(1000, 0.5, "stated"), of_cv(100, 0.25, "stated")


def of(asked: Asked, *classes: object, **rest: object) -> list[Way]:
    prices = pricing(*classes, **rest)  # pyright: ignore[reportArgumentType]
    return list(with_margin(ways_of([asked], prices, load_calibration()), INTERVAL)[asked].ways)


def test_first_tokens_and_tokens_have_the_intervals_of_the_calibration() -> None:
    prompt, tokens = (of(Asked(llm_spec(phase), SERVE, IN, OUT), h100(1))[0] for phase in ("prefill", "decode"))
    # an H100 and this model were measured, though not which engine: the situation `known`
    assert prompt.service.factor == SPREAD["ttft"]["known"].high
    assert tokens.service.factor == SPREAD["tpot"]["known"].high


def test_what_nothing_like_was_measured_of_has_the_widest() -> None:
    spec = replace(
        llm_spec("decode"), function="hear", phase="run", models=("whisper-large-v3",), tokens_in=None, audio_s=4.0
    )
    found = [*of(Asked(spec, RUN), h100(1)), *of(Asked(llm_spec("decode"), SERVE, IN, OUT), cores())]
    assert {way.service.factor for way in found} == {SPREAD["tpot"]["unlike device"].high}


def test_what_is_measured_or_stated_needs_none() -> None:
    stated = of(Asked(call_spec(prior=PriorTime(0.3, 0.01, 0.002, 0.05)), FUNCTIONS), cores())
    measured = of(Asked(llm_spec("decode"), DECODE, IN, OUT), h100(4), rows=(row("answer.decode", "h100_sxm", 0.5),))
    assert {way.service.factor for way in (*stated, *measured)} == {1.0}


def test_a_number_is_for_all_alike() -> None:
    asked = Asked(llm_spec("decode"), SERVE, IN, OUT)
    table = ways_of([asked], pricing(h100(1)), load_calibration())
    assert with_margin(table, 1.25) is table
    assert {way.service.factor for way in table[asked].ways} == {None}


def test_without_a_calibration_there_are_no_intervals() -> None:
    asked = Asked(llm_spec("decode"), SERVE, IN, OUT)
    with pytest.raises(LoadError, match=r"nobody knows how far off .* give a number, or plan with a calibration"):
        with_margin(ways_of([asked], pricing(h100(1))), INTERVAL)


def test_the_page_has_the_factors_of_the_shipped_calibration(project: Path) -> None:
    page = (project / "docs/provisioned.md").read_text(encoding="utf-8")
    tokens = [SPREAD["tpot"][name].high for name in ("known", "unseen model", "unseen device", "unlike device")]
    first = [SPREAD["ttft"][name].high for name in ("known", "unseen model", "unseen device", "unlike device")]
    assert [each for each in (*tokens, *first) if f"{each:g}" not in page] == []
