// RUN: xdsl-opt -p decompose-tool %s | filecheck %s

// The wait is what of the latency is not CPU time: 0.5 - 0.125 = 0.375 s. A tool that states no CPU time never waits.
agent.graph @assistant(question) {
^bb0(%question : !agent.text):
  %search = tool.invoke @search(query = %question) {where = "a.py:7", function = #agent.function<"a.py", "search", "00">, timeout_s = 4.0 : f64, idempotent, latency_s = 0.5 : f64, cpu_s = 0.125 : f64, cost_usd = 0.01 : f64, tokens_out = 60.0 : f64} : (!agent.text) -> !agent.json
  %sum = tool.invoke @add_2(left = %search, right = %question) {name = "add", function = #agent.function<"a.py", "add", "00">, latency_s = 0.25 : f64} : (!agent.json, !agent.text) -> !agent.json
  agent.output %sum : !agent.json
}

// CHECK:      builtin.module {
// CHECK-NEXT:   agent.graph @assistant(question) {
// CHECK-NEXT:   ^bb0(%question: !agent.text):
// CHECK-NEXT:     %request = tool.lookup @search_lookup(query = %question) call "search" {plan.group = "search", name = "search", where = "a.py:7", function = #agent.function<"a.py", "search", "00">, timeout_s = 4.000000e+00 : f64, idempotent} : (!agent.text) -> !tool.request
// CHECK-NEXT:     %request_1 = tool.wait @search_wait %request wait_s 0.375 call "search" {plan.group = "search", name = "search", where = "a.py:7", function = #agent.function<"a.py", "search", "00">, timeout_s = 4.000000e+00 : f64, idempotent} : !tool.request
// CHECK-NEXT:     %search = tool.compute @search %request_1 call "search" {plan.group = "search", name = "search", where = "a.py:7", function = #agent.function<"a.py", "search", "00">, timeout_s = 4.000000e+00 : f64, idempotent, latency_s = 5.000000e-01 : f64, cpu_s = 1.250000e-01 : f64, cost_usd = 1.000000e-02 : f64, tokens_out = 6.000000e+01 : f64} : !tool.request -> !agent.json
// CHECK-NEXT:     %request_2 = tool.lookup @add_2_lookup(left = %search, right = %question) call "add_2" {plan.group = "add_2", name = "add", function = #agent.function<"a.py", "add", "00">} : (!agent.json, !agent.text) -> !tool.request
// CHECK-NEXT:     %sum = tool.compute @add_2 %request_2 call "add_2" {plan.group = "add_2", name = "add", function = #agent.function<"a.py", "add", "00">, latency_s = 2.500000e-01 : f64} : !tool.request -> !agent.json
// CHECK-NEXT:     agent.output %sum : !agent.json
// CHECK-NEXT:   }
// CHECK-NEXT: }
