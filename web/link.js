// The connection to /v1/stream: sends audio, hands on messages, and connects again while
// recording goes on. Knows no DOM and no microphone.

const SAMPLE_RATE = 16000;
const BYTES_PER_SECOND = 2 * SAMPLE_RATE;
const MAX_HELD_BYTES = 10 * BYTES_PER_SECOND; // audio kept while there is no connection
const MAX_BUFFERED_BYTES = 10 * BYTES_PER_SECOND; // more than this unsent: the server is behind
const FIRST_DELAY_S = 0.5;
const MAX_DELAY_S = 15;
const CONNECT_TIMEOUT_S = 10;
const FINISH_TIMEOUT_S = 15;

export function backoffSeconds(attempt) {
  return Math.min(MAX_DELAY_S, FIRST_DELAY_S * 2 ** (attempt - 1));
}

export class Link {
  // tell(event) takes the events of state.js.
  constructor(url, tell) {
    this.url = url;
    this.tell = tell;
    this.socket = null;
    this.ready = false;
    this.finishing = false;
    this.ended = false;
    this.error = null; // the server's last error message
    this.attempt = 0;
    this.held = []; // audio not sent yet, oldest first
    this.heldBytes = 0;
    this.timer = null;
  }

  open() {
    this.tell({ type: "connecting" });
    this.ready = false;
    this.error = null;
    const socket = new WebSocket(this.url, "hark.v1.json");
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(JSON.stringify({
      type: "hello", encoding: "pcm_s16le", sample_rate: SAMPLE_RATE,
    }));
    socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    socket.onclose = () => this.closed(socket);
    this.socket = socket;
    this.after(CONNECT_TIMEOUT_S, () => this.closed(socket));
  }

  // Send 16-bit samples, an ArrayBuffer; without a connection they wait, at most 10 s of them.
  send(samples) {
    this.hold(samples);
    this.sendHeld();
  }

  // No more audio: everything that was sent is still transcribed, then "ended" is told.
  finish() {
    if (this.finishing) return;
    this.finishing = true;
    if (this.socket === null) {
      this.end({ type: "ended" });
      return;
    }
    this.after(FINISH_TIMEOUT_S, () => this.end({ type: "ended" }));
    if (this.ready) this.sendClose();
  }

  receive(message) {
    if (message.type === "error") this.error = message;
    this.tell({ type: "heard", message });
    if (message.type !== "ready") return;
    this.ready = true;
    this.attempt = 0;
    if (this.finishing) {
      this.sendClose();
    } else {
      clearTimeout(this.timer);
      this.sendHeld();
    }
  }

  closed(socket) {
    if (socket !== this.socket || this.ended) return;
    this.drop();
    if (this.finishing) {
      this.end({ type: "ended" });
    } else if (this.error !== null && !this.error.retry) {
      this.end({ type: "refused", error: this.error });
    } else {
      this.tell({ type: "connection-lost", error: this.error });
      this.attempt += 1;
      this.wait(this.error?.retry_after_s ?? backoffSeconds(this.attempt));
    }
  }

  wait(seconds) {
    if (seconds <= 0) {
      this.open();
      return;
    }
    this.tell({ type: "waiting", attempt: this.attempt, inSeconds: Math.ceil(seconds) });
    this.after(Math.min(1, seconds), () => this.wait(seconds - 1));
  }

  end(event) {
    this.ended = true;
    this.drop();
    this.tell(event);
  }

  drop() {
    clearTimeout(this.timer);
    this.ready = false;
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  after(seconds, act) {
    clearTimeout(this.timer);
    this.timer = setTimeout(act, seconds * 1000);
  }

  hold(samples) {
    this.held.push(samples);
    this.heldBytes += samples.byteLength;
    let lostBytes = 0;
    while (this.heldBytes > MAX_HELD_BYTES) {
      const oldest = this.held.shift();
      this.heldBytes -= oldest.byteLength;
      lostBytes += oldest.byteLength;
    }
    if (lostBytes > 0) this.tell({ type: "audio-lost", seconds: lostBytes / BYTES_PER_SECOND });
  }

  sendHeld() {
    while (this.ready && this.held.length > 0 && this.socket.bufferedAmount < MAX_BUFFERED_BYTES) {
      const samples = this.held.shift();
      this.heldBytes -= samples.byteLength;
      this.socket.send(samples);
    }
  }

  // The last audio goes out however much waits before it; the browser buffers it.
  sendClose() {
    for (const samples of this.held) this.socket.send(samples);
    this.held = [];
    this.heldBytes = 0;
    this.socket.send(JSON.stringify({ type: "close" }));
  }
}
