import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.work import Work

AMOUNTS = st.floats(min_value=0, max_value=1e15)
WORKS = st.builds(Work, flops=AMOUNTS, weight_bytes=AMOUNTS, steps=AMOUNTS, cpu_s=AMOUNTS)


def test_work_adds_up_by_resource() -> None:
    total = Work(flops=1, weight_bytes=2, wait_s=3) + Work(flops=10, kv_read_bytes=20, cpu_s=30)
    assert total == Work(flops=11, weight_bytes=2, kv_read_bytes=20, cpu_s=30, wait_s=3)
    assert total.kv_bytes == 20


@given(work=WORKS)
def test_twice_the_work_is_the_work_added_to_itself(work: Work) -> None:
    assert work.scaled(2) == work + work


@given(a=WORKS, b=WORKS)
def test_addition_does_not_depend_on_the_order(a: Work, b: Work) -> None:
    assert a + b == b + a


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf")])
def test_an_amount_that_is_none_is_refused(amount: float) -> None:
    with pytest.raises(ValueError, match="finite and never negative, got flops"):
        Work(flops=amount)
