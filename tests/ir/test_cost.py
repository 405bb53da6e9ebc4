import pytest
from xdsl.utils.exceptions import VerifyException

from ir import view
from ir.dialects import cost
from ir.text import parse, to_text

MODULE = """
agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = model.run @embed(text = %q) models ["bge-m3", "e5"] tokens 512 {function = #agent.function<"a.py", "f", "00">}
    : (!agent.json) -> !agent.json
  agent.output %r : !agent.json
}
"""


def test_demand_is_read_as_it_was_written_and_absent_is_unknown() -> None:
    module = parse(MODULE)
    run = view.entry(module).body.block.first_op
    assert run is not None
    assert (cost.amount(run, "visits"), cost.per_model(run, "flops")) == (None, None)
    cost.set_amount(run, "visits", 0.7)
    cost.set_per_model(run, "flops", [1.4e13, 1.3e20])
    read_back = view.entry(parse(to_text(module))).body.block.first_op
    assert read_back is not None
    assert (cost.amount(read_back, "visits"), cost.per_model(read_back, "flops")) == (0.7, (1.4e13, 1.3e20))
    assert cost.models_of(read_back) == ("bge-m3", "e5")


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_demand_that_no_call_can_have_is_refused(value: float) -> None:
    run = view.entry(parse(MODULE)).body.block.first_op
    assert run is not None
    with pytest.raises(VerifyException, match="must be a finite number that is not negative"):
        cost.set_amount(run, "cpu_s", value)
    with pytest.raises(VerifyException, match="must be a finite number that is not negative"):
        cost.set_per_model(run, "kv_bytes", [1.0, value])
