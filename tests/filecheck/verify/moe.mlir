// RUN: xdsl-opt --verify-diagnostics --parsing-diagnostics --split-input-file %s | filecheck %s

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "encode" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  agent.output %q : !agent.json
}
// CHECK: the phase of @routes is one of prefill, decode; got 'encode'

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<8>
  agent.output %q : !agent.json
}
// CHECK: @routes: !llm.tokens<9> and !moe.routes<8> differ in their number of tokens

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<-9>
  agent.output %q : !agent.json
}
// CHECK: tokens of !moe.routes must be a finite number that is not negative, got -9.0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!llm.kv<"m", 9, ?>, !moe.outputs<-1>)
  agent.output %q : !agent.json
}
// CHECK: tokens of !moe.outputs must be a finite number that is not negative, got -1.0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!llm.kv<"n", 9, ?>, !moe.outputs<1>)
  agent.output %q : !agent.json
}
// CHECK: @experts runs m, but its KV is of n

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!llm.kv<"m", 8, ?>, !moe.outputs<1>)
  agent.output %q : !agent.json
}
// CHECK: @experts: !llm.tokens<9> and !llm.kv<"m", 8, ?> differ in their number of tokens

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %other = llm.render @other(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<8>
  %routes = moe.gate @routes %other phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<8>) -> !moe.routes<8>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<8>) -> (!llm.kv<"m", 9, ?>, !moe.outputs<1>)
  agent.output %q : !agent.json
}
// CHECK: @experts: !llm.tokens<9> and !moe.routes<8> differ in their number of tokens

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!comm.shard<0, 2, !llm.kv<"m", 9, ?>>, !moe.outputs<1>)
  agent.output %q : !agent.json
}
// CHECK: @experts: !comm.shard<0, 2, !llm.kv<"m", 9, ?>> and !moe.outputs<1> differ in their part

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!comm.shard<0, 2, !llm.kv<"m", 9, ?>>, !comm.shard<1, 2, !moe.outputs<1>>)
  agent.output %q : !agent.json
}
// CHECK: @experts: !comm.shard<0, 2, !llm.kv<"m", 9, ?>> and !comm.shard<1, 2, !moe.outputs<1>> differ in their part

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!comm.shard<0, 2, !moe.outputs<1>>, !comm.shard<0, 2, !moe.outputs<1>>)
  agent.output %q : !agent.json
}
// CHECK: @experts needs !llm.kv or a shard of it; got !comm.shard<0, 2, !moe.outputs<1>>

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!comm.shard<2, 2, !llm.kv<"m", 9, ?>>, !moe.outputs<1>)
  agent.output %q : !agent.json
}
// CHECK: a shard is one of at least 2 parts, counted from 0; got part 2 of 2

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!comm.shard<0, 1, !llm.kv<"m", 9, ?>>, !moe.outputs<1>)
  agent.output %q : !agent.json
}
// CHECK: a shard is one of at least 2 parts, counted from 0; got part 0 of 1

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!comm.shard<0, 2, !comm.shard<0, 2, !llm.kv<"m", 9, ?>>>, !moe.outputs<1>)
  agent.output %q : !agent.json
}
// CHECK: a shard is not divided again; state the number of all parts in one !comm.shard

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!llm.kv<"m", 9, ?>, !moe.outputs<1>)
  %f = moe.merge @merge %o phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!moe.outputs<1>) -> !llm.tokens<2>
  agent.output %q : !agent.json
}
// CHECK: @merge: !moe.outputs<1> and !llm.tokens<2> differ in their number of tokens

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!llm.kv<"m", 9, ?>, !moe.outputs<1>)
  %f = moe.merge @merge %o phase "render" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!moe.outputs<1>) -> !llm.tokens<1>
  agent.output %q : !agent.json
}
// CHECK: the phase of @merge is one of prefill, decode; got 'render'

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!llm.kv<"m", 9, ?>, !moe.outputs<1>)
  %f = moe.merge @merge %o phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!moe.outputs<1>) -> !comm.shard<0, 2, !llm.tokens<1>>
  agent.output %q : !agent.json
}
// CHECK: @merge: !moe.outputs<1> and !comm.shard<0, 2, !llm.tokens<1>> differ in their part

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!llm.kv<"m", 9, ?>, !moe.outputs<1>)
  %f = moe.merge @merge %o phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!moe.outputs<1>) -> !llm.tokens<1>
  %next = moe.gate @next %f phase "decode" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<1>) -> !moe.routes<8>
  %d = moe.expert_decode @decode %kv, %f, %next call "t" models ["m"] max_tokens 0 {function = #agent.function<"a.py", "f", "00">} : (!llm.kv<"m", 9, ?>, !llm.tokens<1>, !moe.routes<8>) -> !moe.outputs<8>
  agent.output %q : !agent.json
}
// CHECK: max_tokens of @decode must be at least 1, got 0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!llm.kv<"m", 9, ?>, !moe.outputs<1>)
  %f = moe.merge @merge %o phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!moe.outputs<1>) -> !llm.tokens<1>
  %next = moe.gate @next %f phase "decode" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<1>) -> !moe.routes<8>
  %d = moe.expert_decode @decode %kv, %f, %next call "t" models ["n"] max_tokens 8 {function = #agent.function<"a.py", "f", "00">} : (!llm.kv<"m", 9, ?>, !llm.tokens<1>, !moe.routes<8>) -> !moe.outputs<8>
  agent.output %q : !agent.json
}
// CHECK: @decode runs n, but its KV is of m

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!llm.kv<"m", 9, ?>, !moe.outputs<1>)
  %f = moe.merge @merge %o phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!moe.outputs<1>) -> !llm.tokens<1>
  %next = moe.gate @next %f phase "decode" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<1>) -> !moe.routes<8>
  %d = moe.expert_decode @decode %kv, %f, %next call "t" models ["m"] max_tokens 8 {function = #agent.function<"a.py", "f", "00">} : (!llm.kv<"m", 9, ?>, !llm.tokens<1>, !moe.routes<8>) -> !moe.outputs<7>
  agent.output %q : !agent.json
}
// CHECK: @decode: !moe.routes<8> and !moe.outputs<7> differ in their number of tokens

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!llm.kv<"m", 9, ?>, !moe.outputs<1>)
  %f = moe.merge @merge %o phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!moe.outputs<1>) -> !llm.tokens<1>
  %next = moe.gate @next %f phase "decode" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<1>) -> !moe.routes<8>
  %d = moe.expert_decode @decode %kv, %f, %next call "t" models ["m"] max_tokens 8 {function = #agent.function<"a.py", "f", "00">} : (!llm.kv<"m", 9, ?>, !llm.tokens<1>, !moe.routes<8>) -> !comm.shard<0, 2, !moe.outputs<8>>
  agent.output %q : !agent.json
}
// CHECK: @decode: !llm.kv<"m", 9, ?> and !comm.shard<0, 2, !moe.outputs<8>> differ in their part
