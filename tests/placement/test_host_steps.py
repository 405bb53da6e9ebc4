import pytest

from placement.host_steps import PARSE, RENDER
from placement.operators import Phase, PriorTime
from placement.options import rows_of
from tests.placement.sample_agents import cores, llm_spec, pricing, row


@pytest.mark.parametrize(("phase", "prior"), [("render", RENDER), ("parse", PARSE)])
def test_steps_around_a_model_are_busy_all_the_time_until_a_profile_says_better(phase: Phase, prior: PriorTime) -> None:
    assert prior.latency_s == prior.cpu_s is not None
    assert prior.lacking == ()
    spec = llm_spec(phase, prior=prior)
    (guessed,) = rows_of(spec, pricing(cores())).rows
    assert (guessed.latency_s, guessed.source) == (0.0003, "prior")
    assert guessed.cost_usd == pytest.approx(0.0003 * 0.001)  # a core at 3.60 USD an hour
    (found,) = rows_of(spec, pricing(cores(), rows=(row(f"answer.{phase}", "xeon_8480p", 0.0007, None),))).rows
    assert (found.latency_s, found.source) == (0.0007, "profile")
