// RUN: xdsl-opt -p annotate-demand %s | filecheck %s

// Visits. search: fan-out of 2.5 in the then-branch of 0.25: 0.625. revise: 0.75 x 1.5 loops = 1.125.
// The react takes 3 turns, 2 of them call one of its 2 tools: 1 visit each.
// Prompt of a mean turn: 100 + (3 - 1) / 2 x (20 + (60 + 40) / 2) = 170 tokens.
// KV of a token of llama3.1-8b: 2 x 32 layers x 8 heads x 128 x 2 bytes = 131072 bytes; 170 tokens: 22282240 bytes.
// Token ids are 4 bytes: the prompt has 680, the generated text 80. A task below an unknown probability has no visits.
agent.graph @assistant(question) {
^bb0(%question : !agent.json):
  %when = agent.when @when %question p 0.25 then {
    %found = agent.fanout @search_fanout(query = %question) max 4 expect 2.5 overflow "error" on_error "fail" do {
    ^bb0(%query : !agent.json):
      %hit = memory.lookup @search(query = %query) {function = #agent.function<"a.py", "search", "00">, latency_s = 0.5 : f64, cpu_s = 0.125 : f64, tokens_out = 50.0 : f64} : (!agent.json) -> !agent.json
      agent.yield %hit : !agent.json
    } : (!agent.json) -> !agent.json
    agent.yield %found : !agent.json
  } orelse {
    %looped = agent.loop @revise_loop(draft = %question) max_iters 3 expect 1.5 until {
    ^bb0(%draft : !agent.json):
      agent.yield %draft : !agent.json
    } do {
    ^bb0(%draft : !agent.json):
      %better = agent.compute @revise(draft = %draft) {function = #agent.function<"a.py", "revise", "00">} : (!agent.json) -> !agent.json
      agent.yield %better : !agent.json
    } : (!agent.json) -> !agent.json
    agent.yield %looped : !agent.json
  } : (!agent.json) -> !agent.json
  %guess = agent.when @guess %question then {
    %rare = agent.compute @rare(draft = %when) {function = #agent.function<"a.py", "rare", "00">, latency_s = 0.25 : f64} : (!agent.json) -> !agent.json
    agent.yield %rare : !agent.json
  } orelse {
    agent.yield %when : !agent.json
  } : (!agent.json) -> !agent.json
  %heard = model.run @transcribe(audio = %guess) models ["whisper-large-v3", "no-such-model"] audio_s 10 {function = #agent.function<"a.py", "transcribe", "00">} : (!agent.json) -> !agent.json
  %react = agent.react @think_react(messages, arguments) max_turns 6 expect 3 turn {
  ^bb0(%messages : !agent.json):
    %prompt = llm.render @think_render(question = %heard, %messages) call "think" {function = #agent.function<"a.py", "think", "00">, tokens_in = 100.0 : f64} : (!agent.json, !agent.json) -> !llm.tokens<?>
    %text = plan.choose @think_choice %prompt alternative "disaggregated" {
    ^bb0(%p : !llm.tokens<?>):
      %kv, %first = llm.prefill @think_prefill %p call "think" models ["llama3.1-8b"] {function = #agent.function<"a.py", "think", "00">} : (!llm.tokens<?>) -> (!llm.kv<"llama3.1-8b", ?, ?>, !llm.tokens<1>)
      %moved = comm.kv_transfer @think_kv_transfer %kv call "think" {function = #agent.function<"a.py", "think", "00">} : !llm.kv<"llama3.1-8b", ?, ?>
      %t = llm.decode @think_decode %moved, %first call "think" models ["llama3.1-8b"] max_tokens 64 {function = #agent.function<"a.py", "think", "00">} : (!llm.kv<"llama3.1-8b", ?, ?>, !llm.tokens<1>) -> !llm.tokens<20>
      plan.yield %t : !llm.tokens<20>
    } : (!llm.tokens<?>) -> !llm.tokens<20>
    %turn = llm.parse @think %text call "think" {function = #agent.function<"a.py", "think", "00">} : (!llm.tokens<20>) -> !agent.json
    agent.yield %turn : !agent.json
  } tool "find" {
  ^bb0(%arguments : !agent.json):
    %request = tool.lookup @find_lookup(%arguments) call "find" {function = #agent.function<"a.py", "find", "00">} : (!agent.json) -> !tool.request
    %reply = tool.wait @find_wait %request wait_s 0.375 call "find" {function = #agent.function<"a.py", "find", "00">} : !tool.request
    %found = tool.compute @find %reply call "find" {function = #agent.function<"a.py", "find", "00">, latency_s = 0.5 : f64, cpu_s = 0.125 : f64, tokens_out = 60.0 : f64} : !tool.request -> !agent.json
    agent.yield %found : !agent.json
  } tool "add" {
  ^bb0(%arguments : !agent.json):
    %sum = agent.compute @add(%arguments) {function = #agent.function<"a.py", "add", "00">, tokens_out = 40.0 : f64} : (!agent.json) -> !agent.json
    agent.yield %sum : !agent.json
  } : !agent.json
  agent.output %react : !agent.json
}

// CHECK:      builtin.module {
// CHECK-NEXT:   agent.graph @assistant(question) {
// CHECK-NEXT:   ^bb0(%question: !agent.json):
// CHECK-NEXT:     %when = agent.when @when %question p 0.25 then {
// CHECK-NEXT:       %found = agent.fanout @search_fanout(query = %question) max 4 expect 2.5 overflow "error" on_error "fail" do {
// CHECK-NEXT:       ^bb0(%query: !agent.json):
// CHECK-NEXT:         %hit = memory.lookup @search(query = %query) {cost.visits = #cost.amount<0.625>, cost.cpu_s = #cost.amount<0.125>, cost.wait_s = #cost.amount<0.375>, cost.tokens_out = #cost.amount<50>, cost.bytes_out = #cost.amount<200>, function = #agent.function<"a.py", "search", "00">, latency_s = 5.000000e-01 : f64, cpu_s = 1.250000e-01 : f64, tokens_out = 5.000000e+01 : f64} : (!agent.json) -> !agent.json
// CHECK-NEXT:         agent.yield %hit : !agent.json
// CHECK-NEXT:       } {cost.visits = #cost.amount<0.25>} : (!agent.json) -> !agent.json
// CHECK-NEXT:       agent.yield %found : !agent.json
// CHECK-NEXT:     } orelse {
// CHECK-NEXT:       %looped = agent.loop @revise_loop(draft = %question) max_iters 3 expect 1.5 until {
// CHECK-NEXT:       ^bb0(%draft: !agent.json):
// CHECK-NEXT:         agent.yield %draft : !agent.json
// CHECK-NEXT:       } do {
// CHECK-NEXT:       ^bb0(%draft_1: !agent.json):
// CHECK-NEXT:         %better = agent.compute @revise(draft = %draft_1) {cost.visits = #cost.amount<1.125>, function = #agent.function<"a.py", "revise", "00">} : (!agent.json) -> !agent.json
// CHECK-NEXT:         agent.yield %better : !agent.json
// CHECK-NEXT:       } {cost.visits = #cost.amount<0.75>} : (!agent.json) -> !agent.json
// CHECK-NEXT:       agent.yield %looped : !agent.json
// CHECK-NEXT:     } {cost.visits = #cost.amount<1>} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %guess = agent.when @guess %question then {
// CHECK-NEXT:       %rare = agent.compute @rare(draft = %when) {cost.cpu_s = #cost.amount<0.25>, cost.wait_s = #cost.amount<0>, function = #agent.function<"a.py", "rare", "00">, latency_s = 2.500000e-01 : f64} : (!agent.json) -> !agent.json
// CHECK-NEXT:       agent.yield %rare : !agent.json
// CHECK-NEXT:     } orelse {
// CHECK-NEXT:       agent.yield %when : !agent.json
// CHECK-NEXT:     } {cost.visits = #cost.amount<1>} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %heard = model.run @transcribe(audio = %guess) models ["whisper-large-v3", "no-such-model"] audio_s 10 {cost.visits = #cost.amount<1>, function = #agent.function<"a.py", "transcribe", "00">} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %react = agent.react @think_react(messages, arguments) max_turns 6 expect 3 turn {
// CHECK-NEXT:     ^bb0(%messages: !agent.json):
// CHECK-NEXT:       %prompt = llm.render @think_render(question = %heard, %messages) call "think" {cost.visits = #cost.amount<3>, cost.tokens_in = #cost.amount<170>, cost.tokens_out = #cost.amount<20>, cost.bytes_out = #cost.amount<680>, function = #agent.function<"a.py", "think", "00">, tokens_in = 1.000000e+02 : f64} : (!agent.json, !agent.json) -> !llm.tokens<?>
// CHECK-NEXT:       %text = plan.choose @think_choice %prompt alternative "disaggregated" {
// CHECK-NEXT:       ^bb0(%p: !llm.tokens<?>):
// CHECK-NEXT:         %kv, %first = llm.prefill @think_prefill %p call "think" models ["llama3.1-8b"] {cost.visits = #cost.amount<3>, cost.tokens_in = #cost.amount<170>, cost.tokens_out = #cost.amount<20>, cost.bytes_out = #cost.amount<4>, cost.flops = #cost.per_model<2380056763392>, cost.weight_bytes = #cost.per_model<15000000000>, cost.kv_bytes = #cost.per_model<22282240>, function = #agent.function<"a.py", "think", "00">} : (!llm.tokens<?>) -> (!llm.kv<"llama3.1-8b", ?, ?>, !llm.tokens<1>)
// CHECK-NEXT:         %moved = comm.kv_transfer @think_kv_transfer %kv call "think" {cost.visits = #cost.amount<3>, cost.tokens_in = #cost.amount<170>, cost.tokens_out = #cost.amount<20>, cost.kv_bytes = #cost.per_model<22282240>, function = #agent.function<"a.py", "think", "00">} : !llm.kv<"llama3.1-8b", ?, ?>
// CHECK-NEXT:         %t = llm.decode @think_decode %moved, %first call "think" models ["llama3.1-8b"] max_tokens 64 {cost.visits = #cost.amount<3>, cost.tokens_in = #cost.amount<170>, cost.tokens_out = #cost.amount<20>, cost.bytes_out = #cost.amount<80>, cost.flops = #cost.per_model<301882193920>, cost.weight_bytes = #cost.per_model<300000000000>, cost.kv_bytes = #cost.per_model<470548480>, function = #agent.function<"a.py", "think", "00">} : (!llm.kv<"llama3.1-8b", ?, ?>, !llm.tokens<1>) -> !llm.tokens<20>
// CHECK-NEXT:         plan.yield %t : !llm.tokens<20>
// CHECK-NEXT:       } {cost.visits = #cost.amount<3>} : (!llm.tokens<?>) -> !llm.tokens<20>
// CHECK-NEXT:       %turn = llm.parse @think %text call "think" {cost.visits = #cost.amount<3>, cost.tokens_in = #cost.amount<170>, cost.tokens_out = #cost.amount<20>, cost.bytes_out = #cost.amount<80>, function = #agent.function<"a.py", "think", "00">} : (!llm.tokens<20>) -> !agent.json
// CHECK-NEXT:       agent.yield %turn : !agent.json
// CHECK-NEXT:     } tool "find" {
// CHECK-NEXT:     ^bb0(%arguments: !agent.json):
// CHECK-NEXT:       %request = tool.lookup @find_lookup(%arguments) call "find" {cost.visits = #cost.amount<1>, function = #agent.function<"a.py", "find", "00">} : (!agent.json) -> !tool.request
// CHECK-NEXT:       %reply = tool.wait @find_wait %request wait_s 0.375 call "find" {cost.visits = #cost.amount<1>, cost.wait_s = #cost.amount<0.375>, function = #agent.function<"a.py", "find", "00">} : !tool.request
// CHECK-NEXT:       %found_1 = tool.compute @find %reply call "find" {cost.visits = #cost.amount<1>, cost.cpu_s = #cost.amount<0.125>, cost.tokens_out = #cost.amount<60>, cost.bytes_out = #cost.amount<240>, function = #agent.function<"a.py", "find", "00">, latency_s = 5.000000e-01 : f64, cpu_s = 1.250000e-01 : f64, tokens_out = 6.000000e+01 : f64} : !tool.request -> !agent.json
// CHECK-NEXT:       agent.yield %found_1 : !agent.json
// CHECK-NEXT:     } tool "add" {
// CHECK-NEXT:     ^bb0(%arguments_1: !agent.json):
// CHECK-NEXT:       %sum = agent.compute @add(%arguments_1) {cost.visits = #cost.amount<1>, cost.tokens_out = #cost.amount<40>, cost.bytes_out = #cost.amount<160>, function = #agent.function<"a.py", "add", "00">, tokens_out = 4.000000e+01 : f64} : (!agent.json) -> !agent.json
// CHECK-NEXT:       agent.yield %sum : !agent.json
// CHECK-NEXT:     } {cost.visits = #cost.amount<1>} : !agent.json
// CHECK-NEXT:     agent.output %react : !agent.json
// CHECK-NEXT:   }
// CHECK-NEXT: }
