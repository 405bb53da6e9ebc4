// RUN: xdsl-opt --verify-diagnostics --parsing-diagnostics --split-input-file %s | filecheck %s

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.compute @"no name"(x = %q) {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: the id of a task must be an identifier, got 'no name'

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.compute @c(x = %q) {function = #agent.function<"a.py", "f", "00">, timeout_s = -2.0 : f64} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: timeout_s of @c must be a finite number that is not negative, got -2.0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.compute @c(x = %q) {function = #agent.function<"a.py", "f", "00">, latency_s = 0x7FF0000000000000 : f64} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: latency_s of @c must be a finite number that is not negative, got inf

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.compute @c(x = %q) {function = #agent.function<"a.py", "f", "00">, retries = -1 : i64} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: retries of @c must not be negative, got -1

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.compute @c(x = %q) {function = #agent.function<"a.py", "f", "00">, cpu_s = 1.0 : f64} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: @c has cpu_s without latency_s; give the latency of the whole call

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.compute @c(x = %q) {function = #agent.function<"a.py", "f", "00">, latency_s = 1.0 : f64, cpu_s = 2.0 : f64} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: cpu_s of @c is 2.0, more than its latency_s of 1.0, of which it is a part

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.compute @c(x = %q, x = %q) {function = #agent.function<"a.py", "f", "00">} : (!agent.json, !agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: @c has two operands named 'x'

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = "agent.compute"(%q, %q) <{id = "c", arg_names = [], function = #agent.function<"a.py", "f", "00">}> : (!agent.json, !agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: @c has 2 operands and 0 names; only the last operand may stand without a name

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = memory.lookup @c(x = %q) {function = #agent.function<"a.py", "f", "00">, k = 0 : i64} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: k of @c must be at least 1, got 0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = model.run @c(x = %q) models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: @c needs exactly one of audio_s, tokens, images; got none

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = model.run @c(x = %q) models ["m"] audio_s 1 images 2 {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: @c needs exactly one of audio_s, tokens, images; got audio_s, images

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = model.run @c(x = %q) models [] tokens 1 {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: @c needs at least one model, each once; got []

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = model.run @c(x = %q) models ["m"] tokens -1 {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: tokens of @c must be a finite number that is not negative, got -1.0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = memory.store @keep(x = %q) {function = #agent.function<"a.py", "f", "00">, pure} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: @keep is a store, which writes, so it cannot be pure
