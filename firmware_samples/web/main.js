// SPDX-License-Identifier: Apache-2.0
// Feeds the recording to the model, 25 frames a second, and shows what it decides.
"use strict";

const CHANNELS = 6, FRAMES = 100, RATE_HZ = 25, TIMED_STEPS = 20000;

function text(memory, address) {
  const bytes = new Uint8Array(memory.buffer, address);
  return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
}

function show(id, content) {
  document.getElementById(id).textContent = content;
}

// Microseconds a step, from counts to label: many, for a browser's clock is coarse.
function stepTime(model) {
  model.begin();
  const start = performance.now();
  for (let step = 0; step < TIMED_STEPS; step++) model.decide();
  return 1000 * (performance.now() - start) / TIMED_STEPS;
}

async function main() {
  const bytes = Uint8Array.from(atob(activityModule), (letter) => letter.charCodeAt(0));
  const model = (await WebAssembly.instantiate(bytes)).instance.exports;
  const input = new Int16Array(model.memory.buffer, model.frame(), CHANNELS);
  const answer = document.getElementById("answer");
  show("cost", stepTime(model).toFixed(2));
  for (let frame = 0; frame < recording.length / CHANNELS; frame++) {
    const inRecording = frame % FRAMES + 1;
    if (inRecording === 1) {
      model.begin();
      answer.append("recording\n");
    }
    input.set(recording.slice(frame * CHANNELS, (frame + 1) * CHANNELS));
    const label = model.decide();
    show("decision", text(model.memory, model.label(label)));
    show("time", (inRecording / RATE_HZ).toFixed(2));
    if (inRecording % RATE_HZ === 0) {
      answer.append(text(model.memory, model.describe(inRecording / RATE_HZ, label)));
    }
    await new Promise((resolve) => setTimeout(resolve, 1000 / RATE_HZ));
  }
}

main();
