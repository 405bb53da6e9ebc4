// RUN: xdsl-opt --verify-diagnostics --parsing-diagnostics --split-input-file %s | filecheck %s

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.when @w %q p 1.5 then {
    agent.yield %q : !agent.json
  } orelse {
    agent.yield %q : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: p of @w must lie between 0 and 1, got 1.5

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.when @w %q then {
  ^bb0(%x : !agent.json):
    agent.yield %q : !agent.json
  } orelse {
    agent.yield %q : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: the then region of @w takes 0 argument(s), but its block has 1

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.when @w %q then {
    agent.yield %q : !agent.json
  } orelse {
    agent.yield %q : !agent.json
  } : (!agent.json) -> !agent.text
  agent.output %q : !agent.json
}
// CHECK: the then region of @w yields !agent.json, but its value is !agent.text

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.when @w %q then {
    %o = agent.observe @o %q : !agent.json -> !agent.json
  } orelse {
    agent.yield %q : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: Operation agent.observe terminates block in single-block region but is not a terminator

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.loop @l(v = %q) max_iters 0 expect 0 until {
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  } do {
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: max_iters of @l must be at least 1, got 0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.loop @l(v = %q) max_iters 3 expect 3.5 until {
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  } do {
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: expect of @l must lie between 0 and max_iters, 3; got 3.5

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.loop @l(v = %q) max_iters 3 expect -1 until {
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  } do {
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: expect of @l must lie between 0 and max_iters, 3; got -1.0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.loop @l("no name" = %q) max_iters 3 expect 1 until {
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  } do {
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: @l: the name of a parameter must be an identifier, got 'no name'

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.loop @l(v = %q) max_iters 3 expect 1 until {
  ^bb0(%v : !agent.json):
    %o = agent.observe @o %v : !agent.json -> !agent.json
    agent.yield %v : !agent.json
  } do {
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: the until region of @l may hold only agent.expr, not agent.observe

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.fanout @f(v = %q) max 0 expect 0 overflow "error" on_error "fail" do {
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: max of @f must be at least 1, got 0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.fanout @f(v = %q) max 3 expect 4 overflow "error" on_error "fail" do {
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: expect of @f must lie between 0 and max, 3; got 4.0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.fanout @f(v = %q) max 3 expect 1 overflow "drop" on_error "fail" do {
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: overflow of @f must be error or truncate, got 'drop'

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.fanout @f(v = %q) max 3 expect 1 overflow "error" on_error "ignore" do {
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: on_error of @f must be fail or collect, got 'ignore'

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.fanout @f(v = %q) max 3 expect 1 overflow "error" on_error "fail" do {
  ^bb0(%v : !agent.text):
    agent.yield %q : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: the body of @f takes !agent.json, but its block has !agent.text

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.react @r(messages, arguments) max_turns 3 expect 0.5 turn {
  ^bb0(%v : !agent.json):
    %t = llm.call @t(q = %q, %v) models ["m"] max_tokens 64 {function = #agent.function<"a.py", "f", "00">} : (!agent.json, !agent.json) -> !agent.json
    agent.yield %t : !agent.json
  } tool "find" {
  ^bb0(%w : !agent.json):
    agent.yield %w : !agent.json
  } : !agent.json
  agent.output %q : !agent.json
}
// CHECK: expect of @r must lie between 1 and max_turns, 3; got 0.5

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.react @r(messages) max_turns 3 expect 1 turn {
  ^bb0(%v : !agent.json):
    %t = llm.call @t(q = %q, %v) models ["m"] max_tokens 64 {function = #agent.function<"a.py", "f", "00">} : (!agent.json, !agent.json) -> !agent.json
    agent.yield %t : !agent.json
  } tool "find" {
  ^bb0(%w : !agent.json):
    agent.yield %w : !agent.json
  } : !agent.json
  agent.output %q : !agent.json
}
// CHECK: @r needs two parameters, of the turn and of a tool, not 1

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.react @r(messages, arguments) max_turns 3 expect 1 turn {
  ^bb0(%v : !agent.json):
    %t = llm.call @t(q = %q, %v) models ["m"] max_tokens 64 {function = #agent.function<"a.py", "f", "00">} : (!agent.json, !agent.json) -> !agent.json
    agent.yield %t : !agent.json
  } tool "a b" {
  ^bb0(%w : !agent.json):
    agent.yield %w : !agent.json
  } : !agent.json
  agent.output %q : !agent.json
}
// CHECK: @r: the name of a tool must be an identifier, got 'a b'

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.react @r(messages, arguments) max_turns 3 expect 1 turn {
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  } tool "find" {
  ^bb0(%w : !agent.json):
    agent.yield %w : !agent.json
  } : !agent.json
  agent.output %q : !agent.json
}
// CHECK: the turn of @r must call one language model, not 0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.react @r(messages, arguments) max_turns 3 expect 1 turn {
  ^bb0(%v : !agent.json):
    %t = llm.call @t(q = %q, %v) models ["m"] max_tokens 64 {function = #agent.function<"a.py", "f", "00">} : (!agent.json, !agent.json) -> !agent.json
    %u = llm.call @u(q = %q, %v) models ["m"] max_tokens 64 {function = #agent.function<"a.py", "f", "00">} : (!agent.json, !agent.json) -> !agent.json
    agent.yield %t : !agent.json
  } tool "find" {
  ^bb0(%w : !agent.json):
    agent.yield %w : !agent.json
  } : !agent.json
  agent.output %q : !agent.json
}
// CHECK: the turn of @r must call one language model, not 2

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = "agent.react"() <{id = "r", parameters = ["m", "n"], max_turns = 1 : i64, expect = 1.0 : f64, tool_names = ["find"]}> ({
  ^bb0(%v : !agent.json):
    agent.yield %v : !agent.json
  }) : () -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: @r has 0 tools and 1 names of tools

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.fused @r_fused do {
    %one = agent.compute @one(x = %q) {function = #agent.function<"a.py", "f", "00">, pure} : (!agent.json) -> !agent.json
    %r = agent.compute @r(x = %one) {function = #agent.function<"a.py", "f", "00">, pure, timeout_s = 1.0 : f64} : (!agent.json) -> !agent.json
    agent.yield %r : !agent.json
  } : !agent.json
  agent.output %r : !agent.json
}
// CHECK: @r_fused may fuse only pure agent.compute without timeout, retries and stream, not agent.compute

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %r = agent.fused @r_fused do {
    %r = agent.compute @r(x = %q) {function = #agent.function<"a.py", "f", "00">, pure} : (!agent.json) -> !agent.json
    agent.yield %r : !agent.json
  } : !agent.json
  agent.output %r : !agent.json
}
// CHECK: @r_fused must fuse at least two computes and yield the value of the last
