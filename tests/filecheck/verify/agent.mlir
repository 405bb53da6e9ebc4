// RUN: xdsl-opt --verify-diagnostics --parsing-diagnostics --split-input-file %s | filecheck %s

agent.graph @a(q, q) {
^bb0(%q : !agent.json, %p : !agent.json):

  agent.output %q : !agent.json
}
// CHECK: agent @a has two parameters named 'q'

// -----

agent.graph @a("not a name") {
^bb0(%q : !agent.json):

  agent.output %q : !agent.json
}
// CHECK: agent @a: the name of a parameter must be an identifier, got 'not a name'

// -----

agent.graph @a(q, p) {
^bb0(%q : !agent.json):

  agent.output %q : !agent.json
}
// CHECK: agent @a has 2 parameters and 1 block arguments

// -----

agent.graph @a(q, t) {
^bb0(%q : !agent.json, %t : !llm.tokens<1>):

  agent.output %q : !agent.json
}
// CHECK: input 't' of agent @a has the type !llm.tokens<1>, not a value's

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %o = agent.observe @o %q : !agent.json -> !agent.json
}
// CHECK: Operation agent.observe terminates block in single-block region but is not a terminator

// -----

agent.graph @a(q) sla <"p42", 1> {
^bb0(%q : !agent.json):
  agent.output %q : !agent.json
}
// CHECK: unknown SLA statistic 'p42'; use one of mean, p50, p95, p99, worst

// -----

agent.graph @a(q) sla <"p95", -1> {
^bb0(%q : !agent.json):
  agent.output %q : !agent.json
}
// CHECK: the limit of an SLA must be a finite number that is not negative, got -1.0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %o = agent.observe @same %q : !agent.json -> !agent.json
  %p = agent.observe @same %q : !agent.json -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: two tasks have the id 'same'; an id is unique in its graph

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %o = agent.observe @first %p : !agent.json -> !agent.json
  %p = agent.observe @second %o : !agent.json -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: first reads a value that is not defined before it; a graph has no cycles

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.loop @l(q = %q) max_iters 3 expect 1 until {
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  } do {
  ^bb0(%v : !agent.json):
    %in = agent.expr "v + w" (v = %v, w = %q) : (!agent.json, !agent.json) -> !agent.json
    agent.yield %v : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: agent.expr reads a value named 'q', which another 'q' hides; rename one of them

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %e = agent.expr "x + y" (x = %q) : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: agent.expr 'x + y' reads y, which no operand is named

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %e = agent.expr "x" (x = %q, y = %q) : (!agent.json, !agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: agent.expr 'x' does not read its operand y

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %e = agent.expr "x" (x = %q, %q) : (!agent.json, !agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: agent.expr 'x' needs one name for each of its 2 operands

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %e = agent.expr "x" (x = %q, x = %q) : (!agent.json, !agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: agent.expr 'x' has two operands named 'x'

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %e = agent.expr "import os" () : () -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: agent.expr: not an expression: 'import os'

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %e = agent.call @c @nobody(q = %q) : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: @c calls agent @nobody, which the module does not have

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %e = agent.call @c @a(p = %q) : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: @c calls agent @a with (p); its parameters are (q)

// -----

agent.graph @a(q, t) {
^bb0(%q : !agent.json, %t : !agent.json):
  %e = agent.observe @o %t : !agent.json -> !agent.text
  agent.output %q : !agent.json
}
// CHECK: @o observes !agent.json, but its value is !agent.text

// -----

agent.graph @a(q) {
^bb0(%q : !agent.audio<-1>):
  agent.output %q : !agent.audio<-1>
}
// CHECK: seconds of audio must be a finite number that is not negative, got -1.0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  agent.yield %q : !agent.json
}
// CHECK: 'agent.yield' expects parent op to be one of 'agent.when', 'agent.loop', 'agent.fanout', 'agent.react'

// -----

agent.graph @a(q) {
^bb0(%q : !agent.embedding<0>):
  agent.output %q : !agent.embedding<0>
}
// CHECK: an embedding has at least one number, got 0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.bytes<-1>):
  agent.output %q : !agent.bytes<-1>
}
// CHECK: bytes of a value must be a finite number that is not negative, got -1.0
