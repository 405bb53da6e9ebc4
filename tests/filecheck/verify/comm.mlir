// RUN: xdsl-opt --verify-diagnostics --parsing-diagnostics --split-input-file %s | filecheck %s

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!comm.shard<0, 2, !llm.kv<"m", 9, ?>>, !comm.shard<0, 2, !moe.outputs<1>>)
  %f = moe.merge @merge %o phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!comm.shard<0, 2, !moe.outputs<1>>) -> !comm.shard<0, 2, !llm.tokens<1>>
  %r = "comm.all_reduce"(%f) <{id = "reduce", phase = "prefill", call = "t", models = ["m"], function = #agent.function<"a.py", "f", "00">}> : (!comm.shard<0, 2, !llm.tokens<1>>) -> !llm.tokens<1>
  agent.output %q : !agent.json
}
// CHECK: @reduce adds up every part of !llm.tokens<1>, each once and in order; got !comm.shard<0, 2, !llm.tokens<1>>

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!comm.shard<0, 2, !llm.kv<"m", 9, ?>>, !comm.shard<0, 2, !moe.outputs<1>>)
  %f = moe.merge @merge %o phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!comm.shard<0, 2, !moe.outputs<1>>) -> !comm.shard<0, 2, !llm.tokens<1>>
  %r = "comm.all_reduce"(%f, %f) <{id = "reduce", phase = "prefill", call = "t", models = ["m"], function = #agent.function<"a.py", "f", "00">}> : (!comm.shard<0, 2, !llm.tokens<1>>, !comm.shard<0, 2, !llm.tokens<1>>) -> !llm.tokens<1>
  agent.output %q : !agent.json
}
// CHECK: @reduce adds up every part of !llm.tokens<1>, each once and in order; got !comm.shard<0, 2, !llm.tokens<1>>, !comm.shard<0, 2, !llm.tokens<1>>

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!comm.shard<0, 2, !llm.kv<"m", 9, ?>>, !comm.shard<0, 2, !moe.outputs<1>>)
  %f = moe.merge @merge %o phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!comm.shard<0, 2, !moe.outputs<1>>) -> !comm.shard<0, 2, !llm.tokens<1>>
  %r = "comm.all_reduce"() <{id = "reduce", phase = "prefill", call = "t", models = ["m"], function = #agent.function<"a.py", "f", "00">}> : () -> !llm.tokens<1>
  agent.output %q : !agent.json
}
// CHECK: @reduce adds up every part of !llm.tokens<1>, each once and in order; got none

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!comm.shard<0, 2, !llm.kv<"m", 9, ?>>, !comm.shard<0, 2, !moe.outputs<1>>)
  %f = moe.merge @merge %o phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!comm.shard<0, 2, !moe.outputs<1>>) -> !comm.shard<0, 2, !llm.tokens<1>>
  %r = "comm.all_reduce"(%f, %f) <{id = "reduce", phase = "prefill", call = "t", models = ["m"], function = #agent.function<"a.py", "f", "00">}> : (!comm.shard<0, 2, !llm.tokens<1>>, !comm.shard<0, 2, !llm.tokens<1>>) -> !llm.tokens<2>
  agent.output %q : !agent.json
}
// CHECK: @reduce adds up every part of !llm.tokens<2>, each once and in order; got !comm.shard<0, 2, !llm.tokens<1>>, !comm.shard<0, 2, !llm.tokens<1>>

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %routes = moe.gate @routes %p phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> !moe.routes<9>
  %kv, %o = moe.expert_prefill @experts %p, %routes call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !moe.routes<9>) -> (!comm.shard<0, 2, !llm.kv<"m", 9, ?>>, !comm.shard<0, 2, !moe.outputs<1>>)
  %f = moe.merge @merge %o phase "prefill" call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!comm.shard<0, 2, !moe.outputs<1>>) -> !comm.shard<0, 2, !llm.tokens<1>>
  %r = "comm.all_reduce"(%f) <{id = "reduce", phase = "merge", call = "t", models = ["m"], function = #agent.function<"a.py", "f", "00">}> : (!comm.shard<0, 2, !llm.tokens<1>>) -> !llm.tokens<1>
  agent.output %q : !agent.json
}
// CHECK: the phase of @reduce is one of prefill, decode; got 'merge'
