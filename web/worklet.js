// On the audio thread: mixes to mono, resamples to 16 kHz and packs 16-bit samples.

const OUTPUT_RATE = 16000;
const BLOCK_SAMPLES = 640; // 40 ms
const ZERO_CROSSINGS = 40; // of the sinc, on each side
const CUTOFF = 0.94; // of the lower rate's Nyquist frequency: the middle of the transition band
const KAISER_BETA = 8; // about 80 dB of stop band
const FLOOR_DB = -60;

// A polyphase windowed-sinc resampler for any two integer rates. Keeps its state between calls, so
// the output does not depend on how the input was cut.
class Resampler {
  constructor(inputRate, outputRate) {
    const common = greatestCommonDivisor(inputRate, outputRate);
    this.up = outputRate / common;
    this.down = inputRate / common;
    const cutoff = CUTOFF * Math.min(1, outputRate / inputRate);
    this.half = Math.ceil(ZERO_CROSSINGS / cutoff);
    this.phases = lowPass(this.up, this.half, cutoff);
    // Output 0 is centred on input 0; before it lies silence.
    this.history = new Float32Array(this.half - 1);
    this.phase = 0; // where the next output lies between two inputs, in 1/up
    this.next = 0; // index into the history of the first tap of the next output
  }

  push(input) {
    const samples = new Float32Array(this.history.length + input.length);
    samples.set(this.history);
    samples.set(input, this.history.length);
    const taps = 2 * this.half;
    const output = [];
    while (this.next + taps <= samples.length) {
      const filter = this.phases[this.phase];
      let sum = 0;
      for (let i = 0; i < taps; i += 1) sum += filter[i] * samples[this.next + i];
      output.push(sum);
      this.phase += this.down;
      this.next += Math.floor(this.phase / this.up);
      this.phase %= this.up;
    }
    const used = Math.min(this.next, samples.length);
    this.history = samples.slice(used);
    this.next -= used;
    return output;
  }

  // The outputs that still wait for input to their right.
  flush() {
    return this.push(new Float32Array(this.half));
  }
}

function lowPass(up, half, cutoff) {
  const phases = [];
  for (let phase = 0; phase < up; phase += 1) {
    const filter = new Float32Array(2 * half);
    let sum = 0;
    for (let i = 0; i < filter.length; i += 1) {
      const x = i - (half - 1) - phase / up; // distance from the output, in input samples
      filter[i] = sinc(cutoff * x) * kaiser(x / half);
      sum += filter[i];
    }
    phases.push(filter.map((weight) => weight / sum));
  }
  return phases;
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function kaiser(x) {
  return Math.abs(x) > 1 ? 0 : besselI0(KAISER_BETA * Math.sqrt(1 - x * x)) / besselI0(KAISER_BETA);
}

function besselI0(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = sampleRate === OUTPUT_RATE ? null : new Resampler(sampleRate, OUTPUT_RATE);
    this.waiting = [];
    this.stopping = false;
    this.port.onmessage = () => {
      this.stopping = true;
    };
  }

  process([channels]) {
    if (channels.length > 0) this.take(mono(channels));
    while (this.waiting.length >= BLOCK_SAMPLES) {
      this.post(this.waiting.splice(0, BLOCK_SAMPLES), false);
    }
    if (!this.stopping) return true;
    if (this.resampler !== null) this.waiting.push(...this.resampler.flush());
    this.post(this.waiting, true);
    return false;
  }

  take(samples) {
    const resampled = this.resampler === null ? samples : this.resampler.push(samples);
    for (const sample of resampled) this.waiting.push(sample);
  }

  post(samples, last) {
    const packed = new Int16Array(samples.length);
    let energy = 0;
    for (let i = 0; i < samples.length; i += 1) {
      const sample = Math.max(-1, Math.min(1, samples[i]));
      energy += sample * sample;
      packed[i] = Math.round(sample * 32767);
    }
    const levelDb = Math.max(FLOOR_DB, 10 * Math.log10(energy / Math.max(1, samples.length)));
    this.port.postMessage({ samples: packed.buffer, levelDb, last }, [packed.buffer]);
  }
}

function mono(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, i) => {
    let sum = 0;
    for (const channel of channels) sum += channel[i];
    return sum / channels.length;
  });
}

registerProcessor("capture", Capture);
