// RUN: xdsl-opt --verify-diagnostics --parsing-diagnostics --split-input-file %s | filecheck %s

agent.graph @a(q) attributes {plan.last_form} {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {plan.pool = "p", plan.operator = "r", plan.inputs = #plan.inputs<"q" = "q">, function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %t = plan.choose @choice %p alternative "one" {
  ^bb0(%x : !llm.tokens<9>):
    plan.yield %x : !llm.tokens<9>
  } {plan.chosen = "one"} : (!llm.tokens<9>) -> !llm.tokens<9>
  agent.output %q {plan.inputs = #plan.inputs<"value" = "q">} : !agent.json
}
// CHECK: the last form has no choices, but plan.choose @choice is one; run select-alternatives first

// -----

agent.graph @a(q) attributes {plan.last_form} {
^bb0(%q : !agent.json):
  %c = agent.compute @c(x = %q) {plan.pool = "p", function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q {plan.inputs = #plan.inputs<"value" = "q">} : !agent.json
}
// CHECK: agent.compute @c must have either plan.inputs or plan.forwards in the last form

// -----

agent.graph @a(q) attributes {plan.last_form} {
^bb0(%q : !agent.json):
  %c = agent.compute @c(x = %q) {plan.pool = "p", plan.operator = "c", plan.inputs = #plan.inputs<"x" = "q">, plan.forwards, function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q {plan.inputs = #plan.inputs<"value" = "q">} : !agent.json
}
// CHECK: agent.compute @c must have either plan.inputs or plan.forwards in the last form

// -----

agent.graph @a(q) attributes {plan.last_form} {
^bb0(%q : !agent.json):
  %e = agent.expr "1" () : () -> !agent.json
  agent.output %q {plan.inputs = #plan.inputs<"value" = "q">} : !agent.json
}
// CHECK: agent.expr must have either plan.inputs or plan.forwards in the last form

// -----

agent.graph @a(q) attributes {plan.last_form} {
^bb0(%q : !agent.json):
  %c = agent.compute @c(x = %q) {plan.pool = "p", plan.inputs = #plan.inputs<"x" = "q">, function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q {plan.inputs = #plan.inputs<"value" = "q">} : !agent.json
}
// CHECK: agent.compute @c is work of a function and has no plan.operator

// -----

agent.graph @a(q) attributes {plan.last_form} {
^bb0(%q : !agent.json):
  %c = agent.compute @c(x = %q) {plan.operator = "c", plan.inputs = #plan.inputs<"x" = "q">, function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q {plan.inputs = #plan.inputs<"value" = "q">} : !agent.json
}
// CHECK: the operator 'c' has no plan.pool; placement writes it

// -----

agent.graph @a(q) attributes {plan.last_form} {
^bb0(%q : !agent.json):
  %c = agent.compute @c(x = %q) {plan.pool = "p", plan.operator = "c", plan.inputs = #plan.inputs<"x" = "q">, function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  %d = agent.compute @d(x = %q) {plan.pool = "p", plan.operator = "c", plan.inputs = #plan.inputs<"x" = "q">, function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q {plan.inputs = #plan.inputs<"value" = "q">} : !agent.json
}
// CHECK: two operators have the id 'c'; an id is unique in a plan

// -----

agent.graph @a(q) attributes {plan.last_form} {
^bb0(%q : !agent.json):
  %c = agent.compute @c(x = %q) {plan.pool = "p", plan.operator = "c", plan.inputs = #plan.inputs<"x" = "[q, later]">, function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q {plan.inputs = #plan.inputs<"value" = "q">} : !agent.json
}
// CHECK: an input of agent.compute @c reads 'later', which is not in scope: [q, later]

// -----

agent.graph @a(q) attributes {plan.last_form} {
^bb0(%q : !agent.json):
  %c = agent.compute @c(x = %q) {plan.pool = "p", plan.operator = "c", plan.inputs = #plan.inputs<"x" = "q", rest "c">, function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q {plan.inputs = #plan.inputs<"value" = "q">} : !agent.json
}
// CHECK: an input of agent.compute @c reads 'c', which is not in scope: c

// -----

agent.graph @a(q) attributes {plan.last_form} {
^bb0(%q : !agent.json):
  %c = agent.compute @c(x = %q) {plan.pool = "p", plan.operator = "c", plan.inputs = #plan.inputs<"x" = "q +">, function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q {plan.inputs = #plan.inputs<"value" = "q">} : !agent.json
}
// CHECK: an input of agent.compute @c is no expression:

// -----

agent.graph @a(q) attributes {plan.last_form} {
^bb0(%q : !agent.json):
  %o = agent.observe @o %q {plan.forwards} : !agent.json -> !agent.json
  agent.output %q {plan.inputs = #plan.inputs<"value" = "o">} : !agent.json
}
// CHECK: an input of agent.output reads 'o', which is not in scope: o

// -----

agent.graph @a(q) attributes {plan.last_form} {
^bb0(%q : !agent.json):
  %f = agent.fanout @f(item = %q) max 4 expect 2 overflow "error" on_error "fail" do {
  ^bb0(%item : !agent.json):
    agent.yield %item {plan.inputs = #plan.inputs<"value" = "item">} : !agent.json
  } {plan.inputs = #plan.inputs<"items" = "q">} : (!agent.json) -> !agent.json
  agent.output %q {plan.inputs = #plan.inputs<"value" = "[f, item]">} : !agent.json
}
// CHECK: an input of agent.output reads 'item', which is not in scope: [f, item]
