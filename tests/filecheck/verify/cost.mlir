// RUN: xdsl-opt --verify-diagnostics --parsing-diagnostics --split-input-file %s | filecheck %s

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.compute @c(x = %q) {function = #agent.function<"a.py", "f", "00">, cost.price = #cost.amount<1>} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: agent.compute has the unknown attribute cost.price; known: cost.visits, cost.tokens_in,

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.compute @c(x = %q) {function = #agent.function<"a.py", "f", "00">, cost.visits = 1.0 : f64} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: cost.visits of agent.compute must be #cost.amount, got 1.000000e+00 : f64

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.compute @c(x = %q) {function = #agent.function<"a.py", "f", "00">, cost.flops = #cost.per_model<1>} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: cost.flops of agent.compute has 1 entries for 0 models

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = model.run @c(x = %q) models ["m", "n"] tokens 1 {function = #agent.function<"a.py", "f", "00">, cost.flops = #cost.per_model<1, 2, 3>} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: cost.flops of model.run has 3 entries for 2 models

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.compute @c(x = %q) {function = #agent.function<"a.py", "f", "00">, cost.visits = #cost.amount<-1>} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: #cost.amount must be a finite number that is not negative, got -1.0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = model.run @c(x = %q) models ["m"] tokens 1 {function = #agent.function<"a.py", "f", "00">, cost.flops = #cost.per_model<-1>} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: #cost.per_model must be a finite number that is not negative, got -1.0
