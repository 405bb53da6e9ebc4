import gc
from dataclasses import dataclass

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException, VerifyException

from ir import view
from ir.runner import apply_passes
from ir.text import parse

COLLECTS: list[bool] = []


@dataclass(frozen=True)
class RenamePass(ModulePass):
    """Gives the only call an id, legal or not."""

    name = "rename"

    id: str

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        COLLECTS.append(gc.isenabled())
        if not self.id:
            raise PassFailedException("no id")
        call = view.entry(op).body.block.first_op
        assert call is not None
        call.properties["id"] = StringAttr(self.id)


def a_module() -> ModuleOp:
    return parse(
        """
        agent.graph @a(q) {
        ^bb0(%q : !agent.text):
          %r = agent.compute @r(q = %q) {function = #agent.function<"a.py", "r", "00">} : (!agent.text) -> !agent.json
          agent.output %r : !agent.json
        }
        """
    )


def test_passes_run_in_order_and_a_module_is_verified_before_someone_looks() -> None:
    seen: list[str] = []
    apply_passes(
        a_module(), [RenamePass("one"), RenamePass("two")], lambda name, module: seen.append(f"{name}{module}")
    )
    assert ["@one" in seen[0], "@two" in seen[1], len(seen)] == [True, True, 2]
    with pytest.raises(VerifyException, match="identifier"):
        apply_passes(a_module(), [RenamePass("not one"), RenamePass("two")], lambda name, _: seen.append(name))
    assert len(seen) == 2


def test_without_a_reader_only_the_last_form_is_verified() -> None:
    apply_passes(a_module(), [RenamePass("not one"), RenamePass("two")])
    with pytest.raises(VerifyException, match="identifier"):
        apply_passes(a_module(), [RenamePass("two"), RenamePass("not one")])


@pytest.mark.parametrize("was_enabled", [True, False])
def test_garbage_is_collected_as_before_also_after_an_error(was_enabled: bool) -> None:
    COLLECTS.clear()
    try:
        gc.enable() if was_enabled else gc.disable()
        apply_passes(a_module(), [RenamePass("one")])
        with pytest.raises(PassFailedException):
            apply_passes(a_module(), [RenamePass("")])
        assert gc.isenabled() is was_enabled
    finally:
        gc.enable()
    assert COLLECTS == [False, False]
