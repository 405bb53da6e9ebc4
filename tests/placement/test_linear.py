import math

from placement.linear import LinearModel, combine, scale


def test_rows_are_stored_one_after_another() -> None:
    model = LinearModel()
    first, second = model.column(2.0), model.binary(3.0)
    model.row(0.0, {first: 1.0, second: -1.0}, 4.0)
    model.row(-math.inf, {second: 5.0}, 1.0)
    assert (model.cost, model.upper, model.integer) == ([2.0, 3.0], [math.inf, 1.0], [False, True])
    assert (model.row_lower, model.row_upper) == ([0.0, -math.inf], [4.0, 1.0])
    assert (model.starts, model.indices, model.values) == ([0, 2, 3], [0, 1, 1], [1.0, -1.0, 5.0])


def test_expressions_add_and_scale() -> None:
    assert combine({0: 1.0, 1: 2.0}, {1: 3.0}) == {0: 1.0, 1: 5.0}
    assert scale(2.0, {0: 1.5, 1: 0.0}) == {0: 3.0}
    assert scale(0.0, {0: 1.5}) == {}


def test_the_largest_of_one_expression_is_itself_and_of_several_a_column_above_each() -> None:
    model = LinearModel()
    columns = [model.column() for _ in range(2)]
    assert model.at_least([{columns[0]: 2.0}, {}]) == {columns[0]: 2.0}
    assert model.at_least([]) == {}
    assert model.row_lower == []
    assert model.at_least([{columns[0]: 2.0}, {columns[1]: 3.0}]) == {2: 1.0}
    # F - 2 a >= 0 and F - 3 b >= 0.
    assert (model.indices, model.values) == ([2, 0, 2, 1], [1.0, -2.0, 1.0, -3.0])
    assert (model.row_lower, model.row_upper) == ([0.0, 0.0], [math.inf, math.inf])


def test_a_longer_expression_gets_a_name() -> None:
    model = LinearModel()
    columns = [model.column() for _ in range(2)]
    assert model.named({columns[0]: 2.0}) == {columns[0]: 2.0}
    assert model.named({columns[0]: 2.0, columns[1]: 1.0}) == {2: 1.0}
