"""The generated page has an entry for everything that is registered, with its example and its parts."""

import re

import pytest
from xdsl.ir import Operation
from xdsl.irdl import IRDLOperation
from xdsl.passes import ModulePass

from ir.dialects.cost import KNOWN
from ir.document import page
from ir.universe import DIALECTS, ORCHESTRATOR_UNIVERSE

PAGE = page()
OPERATIONS = [op for dialect in DIALECTS for op in dialect.operations]
PASSES = [factory() for factory in ORCHESTRATOR_UNIVERSE.all_passes.values()]


def section(heading: str) -> str:
    """The text under the one heading of this name."""
    parts = re.findall(rf"^(?:##|###) {re.escape(heading)}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert len(parts) == 1, f"{heading} has {len(parts)} sections"
    return parts[0]


@pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: op.name)
def test_an_operation_has_its_meaning_example_and_parts(op: type[Operation]) -> None:
    text = section(op.name)
    meaning, _, rest = text.partition("Format:")
    assert op.name in meaning, "no example"
    assert issubclass(op, IRDLOperation)
    definition = op.get_irdl_definition()
    parts = [*definition.operands, *definition.results, *definition.regions]
    assert [name for name, _ in parts if f"| `{name.rstrip('_')}`" not in rest] == []


@pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: op.name)
def test_every_property_stands_in_the_section_or_in_a_group_that_it_names(op: type[Operation]) -> None:
    text = section(op.name)
    groups = "".join(section(group) for group in re.findall(r"\[(\w+Op)\]\(#", text))
    assert issubclass(op, IRDLOperation)
    assert [name for name in op.get_irdl_definition().properties if f"| `{name}`" not in text + groups] == []


@pytest.mark.parametrize("each", PASSES, ids=lambda each: each.name)
def test_a_pass_has_its_place_and_what_it_does(each: type[ModulePass]) -> None:
    text = section(each.name)
    assert "the default pipeline." in text
    assert each.__doc__ is not None
    assert each.__doc__.splitlines()[0] in text


def test_options_of_passes_are_listed_with_their_defaults() -> None:
    assert "| `shards` | int | `1` |" in section("shard-tensor-parallel")


def test_types_and_attributes_are_listed_with_their_parameters() -> None:
    for dialect in DIALECTS:
        text = section(dialect.name)
        assert [each.name for each in dialect.attributes if not re.search(rf"^\| `[!#]{each.name}", text, re.M)] == []
    assert "| `models`: list of text; `tokens`: number or `?`; `precision`: text or `?` |" in section("llm")


def test_every_attribute_that_passes_write_is_named() -> None:
    assert [name for name in KNOWN if f"`{name}`" not in section("cost")] == []


def test_constraints_and_optional_parts_are_shown() -> None:
    assert "| `p`? | property | number (`f64`) |" in section("agent.when")
    assert "| `tools` | region | any number, each one block |" in section("agent.react")
    assert "Traits: `HasParent(agent.graph)`, `IsTerminator`." in section("agent.output")


def test_links_lead_to_headings() -> None:
    headings = {re.sub(r"[. ]", "", name).lower() for name in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]*)\)", PAGE)) <= headings
