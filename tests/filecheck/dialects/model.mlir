// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

agent.graph @assistant(audio) {
^bb0(%audio : !agent.audio<2.5>):
  %text = model.run @transcribe(audio = %audio) models ["whisper-large-v3"] audio_s 2.5 {function = #agent.function<"a.py", "transcribe", "00">} : (!agent.audio<2.5>) -> !agent.json
  %vector = model.run @embed(text = %text) models ["bge-m3"] tokens 512 {function = #agent.function<"a.py", "embed", "00">} : (!agent.json) -> !agent.embedding<1024>
  %image = model.run @draw(text = %text) models ["sdxl"] images 1 {function = #agent.function<"a.py", "draw", "00">} : (!agent.json) -> !agent.bytes<3000000>
  agent.output %vector : !agent.embedding<1024>
}

// CHECK:          %text = model.run @transcribe(audio = %audio) models ["whisper-large-v3"] audio_s 2.5 {function = #agent.function<"a.py", "transcribe", "00">} : (!agent.audio<2.5>) -> !agent.json
// CHECK-NEXT:     %vector = model.run @embed(text = %text) models ["bge-m3"] tokens 512 {function = #agent.function<"a.py", "embed", "00">} : (!agent.json) -> !agent.embedding<1024>
// CHECK-NEXT:     %image = model.run @draw(text = %text) models ["sdxl"] images 1 {function = #agent.function<"a.py", "draw", "00">} : (!agent.json) -> !agent.bytes<3000000>
