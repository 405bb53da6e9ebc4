// RUN: xdsl-opt --verify-diagnostics --parsing-diagnostics --split-input-file %s | filecheck %s

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %e = model.encode @e(a = %q) call "t" models ["m"] audio_s 1 {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !model.encoded<"n">
  agent.output %q : !agent.json
}
// CHECK: @e runs m, but its encoder's output is of n

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %e = model.encode @e(a = %q) call "t" models ["m", "n"] audio_s 1 {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !model.encoded<"m" | "n">
  %t = model.decode @t %e call "t" models ["m"] audio_s 1 {function = #agent.function<"a.py", "f", "00">} : (!model.encoded<"m" | "n">) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: @t runs m, but its encoder's output is of m | n

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %e = model.encode @e(a = %q) call "t" models ["m"] audio_s -1 {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !model.encoded<"m">
  agent.output %q : !agent.json
}
// CHECK: audio_s of @e must
