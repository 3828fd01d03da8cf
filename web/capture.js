// The microphone: permission, device and the worklet that resamples. Knows no server and no DOM.

const CONSTRAINTS = {
  audio: {
    channelCount: 1,
    // Made for calls: they cut speech up, and the model was not trained on what they leave.
    echoCancellation: false,
    noiseSuppression: false,
    autoGainControl: true,
  },
};

// Start capturing. onAudio(samples: ArrayBuffer of int16 at 16 kHz, levelDb) is called about 25
// times a second, onUnplugged() when the device goes away. Throws a DOMException or an Error whose
// name says what is missing.
export async function openMicrophone(onAudio, onUnplugged) {
  if (!window.isSecureContext || !navigator.mediaDevices) {
    throw Object.assign(new Error("not a secure context"), { name: "InsecureContext" });
  }
  const stream = await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
  const context = new AudioContext({ latencyHint: "interactive" });
  try {
    await context.audioWorklet.addModule(new URL("worklet.js", import.meta.url));
    const node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0 });
    context.createMediaStreamSource(stream).connect(node);
    await context.resume();
    return new Microphone(stream, context, node, onAudio, onUnplugged);
  } catch (error) {
    release(stream, context);
    throw error;
  }
}

class Microphone {
  constructor(stream, context, node, onAudio, onUnplugged) {
    this.stream = stream;
    this.context = context;
    this.node = node;
    this.stopped = new Promise((resolve) => {
      node.port.onmessage = ({ data }) => {
        if (data.samples.byteLength > 0) onAudio(data.samples, data.levelDb);
        if (data.last) resolve();
      };
    });
    for (const track of stream.getAudioTracks()) track.onended = onUnplugged;
  }

  // Resolves when the last sample has been handed over and the device is free.
  async close() {
    for (const track of this.stream.getAudioTracks()) track.onended = null;
    this.node.port.postMessage("stop");
    // A suspended context would never answer.
    const patience = new Promise((resolve) => setTimeout(resolve, 500));
    await Promise.race([this.stopped, patience]);
    release(this.stream, this.context);
  }
}

function release(stream, context) {
  for (const track of stream.getTracks()) track.stop();
  context.close();
}
