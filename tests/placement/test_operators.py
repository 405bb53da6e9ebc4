import pytest

from placement.operators import UNSTATED, OperatorSpec, PriorTime


def test_the_task_of_a_profile() -> None:
    assert OperatorSpec("answer_2.prefill", "answer_2_prefill", "llm.prefill", "answer", "prefill", 1.0).task == (
        "answer.prefill"
    )


@pytest.mark.parametrize(
    ("prior", "lacking"),
    [
        (UNSTATED, ("latency=", "cost_usd=")),
        (PriorTime(0.0, 0.0, None), ("cost_usd=",)),
        (PriorTime(None, None, 0.0), ("latency=",)),
        (PriorTime(0.0, 0.0, 0.0), ()),  # a written zero is a number
    ],
)
def test_what_a_prior_lacks(prior: PriorTime, lacking: tuple[str, ...]) -> None:
    assert prior.lacking == lacking
