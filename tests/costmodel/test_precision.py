import pytest

from costmodel.errors import CostError
from costmodel.precision import BYTES_PER_VALUE, WIDER, bytes_per_value, compute_precision


def test_mxfp4_is_four_bits_and_an_eight_bit_scale_for_each_block_of_32() -> None:
    # (32 x 4 + 8) bits / 32 values / 8 bits a byte = 0.53125
    assert bytes_per_value("fp4") == 0.53125


def test_an_unknown_precision_is_an_error() -> None:
    with pytest.raises(CostError, match="got 'fp12'"):
        bytes_per_value("fp12")


@pytest.mark.parametrize(
    ("precision", "rates", "expected"),
    [
        ("fp8", {"fp16": 1.0, "int8": 1.0}, "fp16"),
        ("fp4", {"fp16": 1.0, "fp8": 1.0}, "fp8"),
        ("fp4", {"fp16": 1.0}, "fp16"),
        ("fp4", {"fp4": 1.0, "fp16": 1.0}, "fp4"),
        ("fp16", {"fp8": 1.0}, None),
    ],
)
def test_a_device_computes_in_its_nearest_wider_format(precision: str, rates: dict[str, float], expected: str) -> None:
    assert compute_precision(precision, rates) == expected


def test_every_wider_format_is_at_least_as_wide() -> None:
    assert set(WIDER) == set(BYTES_PER_VALUE)
    for precision, wider in WIDER.items():
        sizes = [bytes_per_value(each) for each in wider]
        assert sizes == sorted(sizes)
        assert sizes[0] == bytes_per_value(precision)
