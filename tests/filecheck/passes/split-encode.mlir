// RUN: xdsl-opt -p split-encode,annotate-demand %s | filecheck %s

// A run of an encoder with a decoder may stand whole or in two parts, of which the last keeps its id. @embed is all encoder.
// 10 s of audio are one window of 1500 frames of 1280 values of 2 bytes: 3,840,000 bytes move.
agent.graph @assistant(audio) {
^bb0(%audio : !agent.audio<10>):
  %text = model.run @transcribe(audio = %audio) models ["whisper-large-v3"] audio_s 10 {function = #agent.function<"a.py", "transcribe", "00">} : (!agent.audio<10>) -> !agent.json
  %v = model.run @embed(text = %text) models ["all-minilm-l6-v2"] tokens 20 {function = #agent.function<"a.py", "embed", "00">} : (!agent.json) -> !agent.json
  agent.output %v : !agent.json
}

// CHECK:      builtin.module {
// CHECK-NEXT:   agent.graph @assistant(audio) {
// CHECK-NEXT:   ^bb0(%audio: !agent.audio<10>):
// CHECK-NEXT:     %text = plan.choose @transcribe_choice %audio alternative "whole" {
// CHECK-NEXT:     ^bb0(%audio_1: !agent.audio<10>):
// CHECK-NEXT:       %text_1 = model.run @transcribe(audio = %audio_1) models ["whisper-large-v3"] audio_s 10 {cost.visits = #cost.amount<1>, cost.flops = #cost.per_model<2663181568000>, cost.weight_bytes = #cost.per_model<81507174400>, function = #agent.function<"a.py", "transcribe", "00">} : (!agent.audio<10>) -> !agent.json
// CHECK-NEXT:       plan.yield %text_1 : !agent.json
// CHECK-NEXT:     } alternative "split" {
// CHECK-NEXT:     ^bb0(%audio_2: !agent.audio<10>):
// CHECK-NEXT:       %encoded = model.encode @transcribe_encode(audio = %audio_2) call "transcribe" models ["whisper-large-v3"] audio_s 10 {cost.visits = #cost.amount<1>, cost.flops = #cost.per_model<2256076800000>, cost.weight_bytes = #cost.per_model<1258291200>, cost.moved_bytes = #cost.per_model<3840000>, name = "transcribe", function = #agent.function<"a.py", "transcribe", "00">} : (!agent.audio<10>) -> !model.encoded<"whisper-large-v3">
// CHECK-NEXT:       %text_2 = model.decode @transcribe %encoded call "transcribe" models ["whisper-large-v3"] audio_s 10 {cost.visits = #cost.amount<1>, cost.flops = #cost.per_model<407104768000>, cost.weight_bytes = #cost.per_model<80248883200>, name = "transcribe", function = #agent.function<"a.py", "transcribe", "00">} : (!model.encoded<"whisper-large-v3">) -> !agent.json
// CHECK-NEXT:       plan.yield %text_2 : !agent.json
// CHECK-NEXT:     } {cost.visits = #cost.amount<1>} : (!agent.audio<10>) -> !agent.json
// CHECK-NEXT:     %v = model.run @embed(text = %text) models ["all-minilm-l6-v2"] tokens 20 {cost.visits = #cost.amount<1>, cost.tokens_in = #cost.amount<20>, cost.flops = #cost.per_model<428359680>, cost.weight_bytes = #cost.per_model<21233664>, function = #agent.function<"a.py", "embed", "00">} : (!agent.json) -> !agent.json
// CHECK-NEXT:     agent.output %v : !agent.json
// CHECK-NEXT:   }
// CHECK-NEXT: }
