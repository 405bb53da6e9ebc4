// RUN: xdsl-opt --verify-diagnostics --parsing-diagnostics --split-input-file %s | filecheck %s

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %t = plan.choose @choice %p alternative "one" {
  ^bb0(%x : !llm.tokens<8>):
    plan.yield %x : !llm.tokens<8>
  } : (!llm.tokens<9>) -> !llm.tokens<9>
  agent.output %q : !agent.json
}
// CHECK: alternative 'one' of @choice takes (!llm.tokens<8>), but the choice takes (!llm.tokens<9>)

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %t = plan.choose @choice %p alternative "one" {
  ^bb0(%x : !llm.tokens<9>):
    plan.yield %x : !llm.tokens<9>
  } alternative "two" {
  ^bb0(%x : !llm.tokens<9>):
    plan.yield %x : !llm.tokens<9>
  } : (!llm.tokens<9>) -> !llm.tokens<8>
  agent.output %q : !agent.json
}
// CHECK: alternative 'one' of @choice yields (!llm.tokens<9>), but the choice yields (!llm.tokens<8>)

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %t = plan.choose @choice %p alternative "one" {
  ^bb0(%x : !llm.tokens<9>):
    plan.yield %x : !llm.tokens<9>
  } alternative "one" {
  ^bb0(%x : !llm.tokens<9>):
    plan.yield %x : !llm.tokens<9>
  } : (!llm.tokens<9>) -> !llm.tokens<9>
  agent.output %q : !agent.json
}
// CHECK: @choice has two alternatives named 'one'

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %t = plan.choose @choice %p  : (!llm.tokens<9>) -> !llm.tokens<9>
  agent.output %q : !agent.json
}
// CHECK: @choice has 0 alternatives and 0 names; it needs at least one, each with a name

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %t = plan.choose @choice %p alternative "one" {
  ^bb0(%x : !llm.tokens<9>):
    %y = agent.expr "1" () : () -> !agent.json
  } : (!llm.tokens<9>) -> !llm.tokens<9>
  agent.output %q : !agent.json
}
// CHECK: Operation agent.expr terminates block in single-block region but is not a terminator

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %t = plan.choose @choice %p alternative "one" {
  ^bb0(%x : !llm.tokens<9>):
    plan.yield %p : !llm.tokens<9>
  } : (!llm.tokens<9>) -> !llm.tokens<9>
  agent.output %q : !agent.json
}
// CHECK: Operation using value defined out of its IsolatedFromAbove parent

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %t = plan.choose @choice %p alternative "one" {
  ^bb0(%x : !llm.tokens<9>):
    agent.yield %x : !llm.tokens<9>
  } : (!llm.tokens<9>) -> !llm.tokens<9>
  agent.output %q : !agent.json
}
// CHECK: tasks exchange values, which are !agent.json, !agent.text, !agent.audio, !agent.embedding or !agent.bytes

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %t = plan.choose @choice %p alternative "one" {
  ^bb0(%x : !llm.tokens<9>):
    plan.yield %x : !llm.tokens<9>
  } {plan.chosen = "two"} : (!llm.tokens<9>) -> !llm.tokens<9>
  agent.output %q : !agent.json
}
// CHECK: plan.chosen of @choice is 'two'; its alternatives: one

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %c = agent.compute @c(x = %q) {plan.poll = "p0", function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: agent.compute has the unknown attribute plan.poll; known: plan.group, plan.chosen, plan.pool

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %c = agent.compute @c(x = %q) {plan.pool = 1, function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: plan.pool of agent.compute must be a text, got 1 : i64

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %c = agent.compute @c(x = %q) {plan.latency_s = 1.0 : f64, function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: plan.latency_s of agent.compute must be #cost.amount, got 1.000000e+00 : f64

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %c = agent.compute @c(x = %q) {plan.forwards = 1, function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: plan.forwards of agent.compute must be a unit, got 1 : i64

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %c = agent.compute @c(x = %q) {plan.tp = 0, function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: plan.tp of agent.compute must be at least 1, got 0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %c = agent.compute @c(x = %q) {plan.tp = 1.0 : f64, function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: plan.tp of agent.compute must be a whole number, got 1.000000e+00 : f64

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %c = agent.compute @c(x = %q) {plan.inputs = #plan.inputs<"x" = "q", "x" = "q">, function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: #plan.inputs needs one expression for each name, and no name twice; got ('x', 'x')
