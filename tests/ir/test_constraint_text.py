"""Constraints in words, and an error for one without."""

import pytest
from xdsl.dialects.builtin import ArrayAttr, FlatSymbolRefAttrConstr, NoneAttr, StringAttr, SymbolNameConstraint, i64
from xdsl.irdl import AnyAttr, EqAttrConstraint, RangeOf, VarConstraint, base, irdl_to_attr_constraint

from ir.constraint_text import ConstraintTextError, attribute_mark, constraint_text
from ir.dialects.agent import SlaAttr
from ir.dialects.llm import KvType, TokensType
from ir.dialects.task import INTEGER, NUMBER
from ir.dialects.values import VALUE


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        (VALUE, "a value"),
        (NUMBER, "number (`f64`)"),
        (INTEGER, "whole number (`i64`)"),
        (FlatSymbolRefAttrConstr, "`@name` of a graph"),
        (SymbolNameConstraint(), "`@name`"),
        (AnyAttr(), "any"),
        (base(TokensType), "`!llm.tokens`"),
        (base(SlaAttr), "`#agent.sla`"),
        (base(StringAttr) | base(NoneAttr), "text or `?`"),
        (EqAttrConstraint(i64), "`i64`"),
        (irdl_to_attr_constraint(ArrayAttr[StringAttr]), "list of text"),
        (RangeOf(base(TokensType)), "any number, each `!llm.tokens`"),
        (VarConstraint("T", base(KvType)), "`!llm.kv`, the same wherever `T` stands"),
    ],
)
def test_a_constraint_in_words(constraint: object, words: str) -> None:
    assert constraint_text(constraint) == words


def test_a_constraint_without_words_is_refused() -> None:
    with pytest.raises(ConstraintTextError, match=r"no words for 7; add its kind to ir/constraint_text\.py"):
        constraint_text(7)


def test_types_and_other_attributes_are_marked_as_in_a_module() -> None:
    assert (attribute_mark(KvType), attribute_mark(SlaAttr)) == ("!llm.kv", "#agent.sla")
