// What the page knows, and how each event changes it. Pure: no DOM, no socket, no clock.

// phase: idle → opening (asking for the microphone) → connecting → listening → finishing → idle.
// waiting is between two attempts to reach the server, while the microphone goes on.
export const initialState = Object.freeze({
  phase: "idle",
  problem: null, // {title, help}
  lost: 0, // seconds of audio the server never got
  model: null,
  key: null, // "missing", "wrong" or "right"; null where the server needs none
  language: null,
  levelDb: -60,
  retry: null, // {attempt, inSeconds}
  unsureBelow: 0, // finals of a lower confidence are more likely guesses than transcripts
  lines: Object.freeze([]), // {text, unsure} of the finals, oldest first
  open: null, // {stable, unstable} of the segment being spoken
});

export function isRecording(state) {
  return state.phase !== "idle" && state.phase !== "finishing";
}

export function needsKey(state) {
  return state.key === "missing" || state.key === "wrong";
}

export function transcript(state) {
  return state.lines.map((line) => line.text + "\n").join("");
}

// Whether what was said of late is beyond the model: two of the last three lines are guesses.
export function isGuessing(state) {
  return state.lines.slice(-3).filter((line) => line.unsure).length >= 2;
}

export function reduce(state, event) {
  switch (event.type) {
    case "server-found":
      return { ...state, model: event.model ?? state.model, key: event.key };
    case "start":
      return { ...state, phase: "opening", problem: null, lost: 0, language: null };
    case "microphone-open":
      return { ...state, phase: "connecting" };
    case "microphone-failed":
      return idle({ ...state, problem: microphoneProblem(event) });
    case "microphone-lost": // what it has heard still becomes text
      return { ...state, phase: "finishing", problem: microphoneProblem({ name: "Unplugged" }) };
    case "level":
      return { ...state, levelDb: event.db };
    case "heard":
      return heard(state, event.message);
    case "connecting":
      return { ...state, phase: "connecting", retry: null };
    case "connection-lost":
      return keepOpenWords({ ...state, phase: "waiting", problem: connectionProblem(event) });
    case "waiting":
      return { ...state, retry: { attempt: event.attempt, inSeconds: event.inSeconds } };
    case "audio-lost":
      return { ...state, lost: state.lost + event.seconds };
    case "refused":
      return idle({ ...state, problem: refusalProblem(event.error) });
    case "stop":
      return { ...state, phase: "finishing", problem: null, retry: null };
    case "ended":
      return idle(state);
    case "clear":
      return { ...state, lines: [], problem: null, lost: 0 };
    default:
      throw new Error(`unknown event ${event.type}`);
  }
}

// A message of the server (docs/protocol.md).
function heard(state, message) {
  switch (message.type) {
    case "ready": {
      const phase = state.phase === "finishing" ? "finishing" : "listening";
      const { model, unsure_below: unsureBelow } = message;
      return { ...state, phase, problem: null, retry: null, model, unsureBelow };
    }
    case "speech_started":
      return { ...state, open: { stable: "", unstable: "" } };
    case "partial":
      return {
        ...state,
        open: { stable: message.stable, unstable: message.unstable },
        language: message.language ?? state.language,
      };
    case "final":
      return {
        ...state,
        open: null,
        lines: withLine(state.lines, message.text, message.confidence < state.unsureBelow),
        language: message.language ?? state.language,
      };
    default: // speech_ended, finalized, error, bye: said elsewhere, or nothing to show
      return state;
  }
}

function idle(state) {
  return { ...keepOpenWords(state), phase: "idle", retry: null, levelDb: -60 };
}

// Words of a segment whose final will never come stay on the page as they are.
function keepOpenWords(state) {
  if (state.open === null) return state;
  const lines = withLine(state.lines, state.open.stable + state.open.unstable, false);
  return { ...state, open: null, lines };
}

function withLine(lines, text, unsure) {
  return text.trim() === "" ? lines : [...lines, { text: text.trim(), unsure }];
}

function microphoneProblem({ name, message }) {
  switch (name) {
    case "InsecureContext":
      return {
        title: "This address may not use the microphone.",
        help: "Browsers allow it only on https pages and on localhost. Open the page as "
          + "http://localhost on the server's machine, or put the server behind https.",
      };
    case "NotAllowedError":
    case "SecurityError":
      return {
        title: "The microphone is blocked.",
        help: "Allow it for this page, in the browser's address bar or settings, and press Start "
          + "again.",
      };
    case "NotFoundError":
    case "OverconstrainedError":
      return { title: "No microphone was found.", help: "Plug one in and press Start again." };
    case "NotReadableError":
    case "AbortError":
      return {
        title: "The microphone cannot be used.",
        help: "Another program may hold it. Close that program and press Start again.",
      };
    case "Unplugged":
      return {
        title: "The microphone was disconnected.",
        help: "Plug it in and press Start to go on.",
      };
    default:
      return { title: "The microphone could not be started.", help: `${name}: ${message}` };
  }
}

function connectionProblem({ error }) {
  if (error?.code === "capacity") {
    return {
      title: "The server is busy.",
      help: "It serves as many speakers as it can. Recording goes on; the page tries again.",
    };
  }
  if (error?.code === "shutting_down") {
    return {
      title: "The server is being stopped.",
      help: "Recording goes on; the page connects when it is back.",
    };
  }
  return {
    title: "The server is gone.",
    help: "Recording goes on, and the page tries to connect again. Is hark serve still running?",
  };
}

function refusalProblem(error) {
  return {
    title: "The server refused the stream.",
    help: `${error.message} (${error.code})`,
  };
}
