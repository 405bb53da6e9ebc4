// RUN: xdsl-opt -p inline-agents --verify-diagnostics --split-input-file %s | filecheck %s

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.call @go @b(q = %q) : (!agent.json) -> !agent.json
  agent.output %r : !agent.json
}
agent.graph @b(q) {
^bb0(%q : !agent.json):
  %r = agent.call @back @a(q = %q) : (!agent.json) -> !agent.json
  agent.output %r : !agent.json
}
// CHECK: agents call each other in a circle: a -> b -> a; bound the recursion with a loop
