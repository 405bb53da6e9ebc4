from importlib.metadata import entry_points

from xdsl.passes import ModulePass
from xdsl.universe import Universe

from ir.universe import DIALECTS, ORCHESTRATOR_UNIVERSE, context


def test_the_distribution_registers_our_universe() -> None:
    (found,) = [each for each in entry_points(group="xdsl.universe") if each.name == "orchestrator"]
    assert found.load() is ORCHESTRATOR_UNIVERSE


def test_our_names_clash_with_none_of_xdsl() -> None:
    together = Universe.get_multiverse()
    for name, dialect in ORCHESTRATOR_UNIVERSE.all_dialects.items():
        assert together.all_dialects[name]() is dialect()
    for name, make in ORCHESTRATOR_UNIVERSE.all_passes.items():
        assert issubclass(together.all_passes[name](), ModulePass)
        assert make().name == name


def test_our_own_context_knows_our_dialects_and_builtin_only() -> None:
    assert {each.name for each in context().loaded_dialects} == {"builtin", *(each.name for each in DIALECTS)}


def test_every_operation_shows_its_form() -> None:
    for dialect in DIALECTS:
        for op in dialect.operations:
            assert op.name in (op.__doc__ or ""), f"the docstring of {op.__name__} shows no {op.name}"
