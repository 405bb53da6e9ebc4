from ir.dialects.agent import ExprOp
from ir.text import parse
from ir.visits import block_visits

TYPE = "(!agent.json) -> !agent.json"


def test_a_block_runs_as_often_as_those_around_it_times_its_share() -> None:
    module = parse(
        f"""
        agent.graph @a(q) {{
        ^bb0(%q : !agent.json):
          %f = agent.fanout @f(item = %q) max 5 expect 3 overflow "error" on_error "fail" do {{
          ^bb0(%item : !agent.json):
            %likely = agent.when @w %item p 0.75 then {{
              %then = agent.expr "'then'" () : () -> !agent.json
              agent.yield %then : !agent.json
            }} orelse {{
              %else = agent.expr "'else'" () : () -> !agent.json
              agent.yield %else : !agent.json
            }} : {TYPE}
            %unknown = agent.when @u %likely then {{
              %open = agent.expr "'open'" () : () -> !agent.json
              agent.yield %open : !agent.json
            }} orelse {{
              agent.yield %item : !agent.json
            }} : {TYPE}
            agent.yield %unknown : !agent.json
          }} : {TYPE}
          %end = agent.expr "'end'" () : () -> !agent.json
          agent.output %end : !agent.json
        }}
        """
    )
    found = {op.text.data: op.parent for op in module.walk() if isinstance(op, ExprOp)}
    visits = {text: None if block is None else block_visits(block) for text, block in found.items()}
    assert visits == {"'then'": 2.25, "'else'": 0.75, "'open'": None, "'end'": 1.0}
