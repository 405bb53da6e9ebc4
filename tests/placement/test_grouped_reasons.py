"""grouped_reasons: many reasons against many pools, told as a few."""

from placement.grouped_reasons import grouped_reasons


def test_reasons_that_differ_in_numbers_only_are_told_once() -> None:
    late = [f"a40/m/tp{n}/serve: a prompt takes {took} with the margin" for n, took in ((1, "1.2 s"), (2, "803 ms"))]
    other = "a40/m/tp8/serve: the fleet has 4 of them"
    assert list(grouped_reasons([late[0], other, late[1]])) == [
        "2 pools such as a40/m/tp1/serve: a prompt takes 1.2 s with the margin",
        other,
    ]


def test_a_number_in_a_name_parts_reasons() -> None:
    pinned = ["a40/m: pinned to h100_sxm", "l4/m: pinned to a40", "l4/m: pinned to a40"]
    assert list(grouped_reasons(pinned)) == pinned[:2]
