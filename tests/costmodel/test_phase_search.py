"""The search against trying everything, and what it says when there is nothing."""

import math
from dataclasses import replace
from itertools import product

import pytest

from costmodel.models import load_models
from costmodel.paper_devices import devices
from costmodel.phase import Assumptions, Phase, Workload, largest_batch
from costmodel.phase_search import Impossible, PhaseTask, Setting, best_setting, best_settings, groups, setting_of

MODELS = load_models()
SHORT = Workload(64, 64)
SMALL = Assumptions(margin=0.25, largest_group=4)


@pytest.mark.parametrize(("phase", "limit_s"), [*product(("prefill", "decode"), (0.02, math.inf))])
def test_no_setting_beats_the_one_found(phase: Phase, limit_s: float) -> None:
    device = replace(devices("dense")["h100"], mem_bytes=80e9)
    found = best_setting(PhaseTask(MODELS.model("llama3.1-8b"), "fp16", phase, SHORT), device, limit_s, SMALL)
    assert isinstance(found, Setting)
    tried = [
        setting_of(serving, phase, SHORT, batch)
        for serving in groups(MODELS.model("llama3.1-8b"), "fp16", device, SMALL)
        for batch in range(1, largest_batch(serving, phase, SHORT) + 1, 7)
    ]
    allowed = [each for each in tried if each.pass_s <= limit_s]
    assert found.pass_s <= limit_s
    assert found.device_s <= min(each.device_s for each in allowed) * (1 + 1e-9)


def test_a_pipeline_of_groups_takes_as_much_of_a_device_but_for_the_hand_over() -> None:
    h100 = devices("dense")["h100"]
    model = MODELS.model("llama3.1-8b")
    settings = {
        (each.tp, each.pp): setting_of(each, "decode", SHORT, 8) for each in groups(model, "fp16", h100, Assumptions())
    }
    handed = settings[1, 4].pass_s * settings[1, 4].communication_share
    assert settings[1, 4].pass_s - handed == pytest.approx(settings[1, 1].pass_s, rel=1e-12)
    # 64 passes for 8 sequences
    assert settings[1, 1].device_s == pytest.approx(settings[1, 1].pass_s * 64 / 8)


def test_several_limits_are_as_each_alone() -> None:
    task = PhaseTask(MODELS.model("llama3.1-8b"), "fp16", "decode", SHORT)
    limits = (0.001, 0.005, 0.01, math.inf)
    alone = [best_setting(task, devices("dense")["b200"], limit_s) for limit_s in limits]
    assert best_settings(task, devices("dense")["b200"], limits) == alone


def test_groups_stay_in_a_chassis_and_in_the_scale_up_domain() -> None:
    model = MODELS.model("llama3.1-70b")
    sizes = {(each.tp, each.pp) for each in groups(model, "fp16", devices("dense")["a40"], Assumptions())}
    assert sizes == {(1, 1), (1, 2), (1, 4), (1, 8), (2, 1), (2, 2), (2, 4)}


def test_what_cannot_be_is_said_with_its_reason() -> None:
    model, a40 = MODELS.model("llama3.1-70b"), devices("dense")["a40"]
    slow = best_setting(PhaseTask(model, "fp16", "prefill", Workload(4096, 512)), a40, 0.25)
    assert isinstance(slow, Impossible)
    assert "TTFT" in slow.reason
    assert "limit 250 ms" in slow.reason
    big = best_setting(PhaseTask(MODELS.model("llama3.1-405b"), "fp16", "decode", SHORT), a40)
    assert big == Impossible("decode: weights and one sequence do not fit on 8 devices")
