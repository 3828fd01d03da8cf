// The captions page: one state, one reducer, and a render that shows the state.

import { openMicrophone } from "./capture.js";
import { Link } from "./link.js";
import { askServer, streamUrl, takeKeyFromAddress, useKey } from "./server.js";
import { initialState, isGuessing, isRecording, needsKey, reduce, transcript } from "./state.js";

const TEXT_SIZES_REM = [1.25, 1.5, 1.875, 2.25, 2.75, 3.5, 4.5, 6];
const DEFAULT_SIZE = 3;
const NEAR_END_PX = 48;

const $ = (id) => document.getElementById(id);

let state = initialState;
let shown = null; // the state the page shows
let microphone = null;
let link = null;
let wakeLock = null;
let following = true; // whether the reader is at the newest captions
let noticeClosed = false;

function dispatch(event) {
  state = reduce(state, event);
  if (shown !== null && shown !== state) requestRender();
}

// --- recording -----------------------------------------------------------------------------------

async function start() {
  dispatch({ type: "start" });
  const current = new Link(streamUrl(), (event) => {
    if (current === link) heardFromLink(event);
  });
  link = current;
  let opened;
  try {
    opened = await openMicrophone(
      (samples, levelDb) => {
        current.send(samples);
        dispatch({ type: "level", db: levelDb });
      },
      unplugged,
    );
  } catch (error) {
    if (current !== link) return; // stopped meanwhile
    link = null;
    dispatch({ type: "microphone-failed", name: error.name, message: error.message });
    return;
  }
  if (current !== link) {
    opened.close();
    return;
  }
  microphone = opened;
  dispatch({ type: "microphone-open" });
  current.open();
  keepScreenOn(current);
}

function unplugged() {
  stop();
  dispatch({ type: "microphone-lost" });
}

async function keepScreenOn(current) {
  const lock = await navigator.wakeLock?.request("screen").catch(() => null);
  if (current === link) wakeLock = lock;
  else lock?.release();
}

async function stop() {
  dispatch({ type: "stop" });
  await releaseMicrophone();
  link?.finish();
}

async function releaseMicrophone() {
  const closing = microphone;
  microphone = null;
  wakeLock?.release();
  wakeLock = null;
  await closing?.close();
}

function heardFromLink(event) {
  dispatch(event);
  if (event.type === "refused") releaseMicrophone();
  if (event.type === "refused" || event.type === "ended") link = null;
  if (event.type === "connection-lost" && event.error === null) stopWithoutKey();
}

// Which model will listen, and whether it takes our key.
async function findServer() {
  const answer = await askServer();
  if (answer !== null) dispatch({ type: "server-found", ...answer });
}

// The line broke without a word: it may be the key, and then trying again is of no use.
async function stopWithoutKey() {
  await findServer();
  if (needsKey(state) && isRecording(state)) stop();
}

async function submitKey(event) {
  event.preventDefault();
  useKey($("key").value);
  await findServer();
  if (needsKey(state)) {
    $("key").select();
    return;
  }
  $("key").value = "";
  // The button is enabled when the page is drawn anew.
  requestAnimationFrame(() => $("record").focus());
}

// --- rendering -----------------------------------------------------------------------------------

let renderRequested = false;

function requestRender() {
  if (renderRequested) return;
  renderRequested = true;
  // A hidden page gets no animation frames, and its captions must not wait for one.
  if (document.hidden) setTimeout(render);
  else requestAnimationFrame(render);
}

function render() {
  renderRequested = false;
  const before = shown ?? initialState;
  shown = state;
  document.body.dataset.phase = state.phase;
  renderStatus();
  renderLines(before.lines);
  renderOpen();
  $("hint").hidden = state.lines.length > 0 || state.open !== null;
  $("hint").textContent = hintText();
  for (const id of ["copy", "download", "clear"]) $(id).disabled = state.lines.length === 0;
  if (following) scrollToEnd();
  $("jump").hidden = following;
}

function renderStatus() {
  $("status-text").textContent = statusText();
  $("countdown").textContent = state.retry === null ? "" : `in ${state.retry.inSeconds} s`;
  $("record").disabled = state.phase === "finishing" || (needsKey(state) && !isRecording(state));
  $("record-text").textContent = isRecording(state) ? "Stop" : "Start";
  $("record").setAttribute("aria-pressed", String(isRecording(state)));
  $("language").hidden = state.language === null;
  $("language").textContent = state.language ?? "";
  $("model").hidden = state.model === null;
  $("model").textContent = `Model: ${state.model}`;
  $("level").style.setProperty("--level", String((state.levelDb + 60) / 60));
  $("level").setAttribute("aria-valuenow", state.levelDb.toFixed(0));
  const problem = state.problem ?? lostProblem();
  $("problem").hidden = problem === null;
  if (problem !== null) {
    $("problem-title").textContent = problem.title;
    $("problem-help").textContent = problem.help;
  }
  $("key-form").hidden = !needsKey(state);
  $("key-title").textContent = state.key === "wrong"
    ? "The server does not know this key."
    : "This server needs a key.";
  $("notice").hidden = noticeClosed || isGuessing(state) || state.model !== "embedded";
  $("guessing").hidden = !isGuessing(state);
  $("guessing-help").hidden = state.model !== "embedded";
}

function lostProblem() {
  if (state.lost === 0) return null;
  return {
    title: `${Math.ceil(state.lost)} s of speech were lost.`,
    help: "The server was away, or too slow, for longer than the page can keep audio.",
  };
}

function statusText() {
  switch (state.phase) {
    case "idle":
      if (needsKey(state)) return "Key needed";
      return state.problem === null ? "Ready" : "Stopped";
    case "opening":
      return "Waiting for the microphone";
    case "connecting":
      return "Connecting";
    case "listening":
      return "Listening";
    case "finishing":
      return "Finishing";
    case "waiting":
      return state.retry === null ? "Disconnected" : "Connecting again";
  }
}

function hintText() {
  if (needsKey(state)) return "Enter the server's key. Then press Start and speak.";
  return isRecording(state)
    ? "Speak. The words appear here."
    : "Press Start and speak. The words appear here.";
}

function renderLines(linesBefore) {
  const container = $("lines");
  if (state.lines === linesBefore) return;
  const grew = linesBefore.length > 0 && state.lines[0] === linesBefore[0];
  if (!grew) container.replaceChildren();
  for (const { text, unsure } of state.lines.slice(container.children.length)) {
    const line = document.createElement("p");
    line.className = unsure ? "line unsure" : "line";
    line.textContent = text;
    if (unsure) line.title = "The model is unsure of this line.";
    container.append(line);
  }
}

function renderOpen() {
  $("live").hidden = state.open === null;
  const { stable, unstable } = state.open ?? { stable: "", unstable: "" };
  const words = unstable.trimStart();
  // The space between the two belongs to neither, and must not be underlined.
  $("stable").textContent = stable + unstable.slice(0, unstable.length - words.length);
  $("unstable").textContent = words;
}

function scrollToEnd() {
  $("captions").scrollTop = $("captions").scrollHeight;
}

// --- reading -------------------------------------------------------------------------------------

let textSize = DEFAULT_SIZE;

function setTextSize(size) {
  textSize = Math.max(0, Math.min(TEXT_SIZES_REM.length - 1, size));
  document.body.style.setProperty("--caption-size", `${TEXT_SIZES_REM[textSize]}rem`);
  $("smaller").disabled = textSize === 0;
  $("larger").disabled = textSize === TEXT_SIZES_REM.length - 1;
  remember(textSize);
  if (following) scrollToEnd();
}

function remember(size) {
  try {
    localStorage.setItem("hark-text-size", String(size));
  } catch {
    // Storage may be switched off; the size then lasts as long as the page.
  }
}

function rememberedSize() {
  try {
    return Number.parseInt(localStorage.getItem("hark-text-size"), 10);
  } catch {
    return Number.NaN;
  }
}

async function toggleFullScreen() {
  if (document.fullscreenElement) await document.exitFullscreen();
  else await document.documentElement.requestFullscreen();
}

async function copyTranscript() {
  try {
    await navigator.clipboard.writeText(transcript(state));
    flash($("copy"), "Copied");
  } catch {
    flash($("copy"), "Not allowed");
  }
}

function downloadTranscript() {
  const address = URL.createObjectURL(new Blob([transcript(state)], { type: "text/plain" }));
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.download = `captions-${new Date().toISOString().slice(0, 16).replace(/[T:]/g, "-")}.txt`;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address));
}

function flash(button, text) {
  const usual = button.dataset.text ?? button.textContent;
  button.dataset.text = usual;
  button.textContent = text;
  setTimeout(() => {
    button.textContent = usual;
  }, 1500);
}

// --- wiring --------------------------------------------------------------------------------------

const SHORTCUTS = { s: "record", f: "fullscreen", "+": "larger", "=": "larger", "-": "smaller" };

function toggleRecording() {
  if (isRecording(state)) stop();
  else start();
}

function wire() {
  $("record").onclick = toggleRecording;
  $("key-form").onsubmit = submitKey;
  $("smaller").onclick = () => setTextSize(textSize - 1);
  $("larger").onclick = () => setTextSize(textSize + 1);
  $("fullscreen").onclick = toggleFullScreen;
  $("copy").onclick = copyTranscript;
  $("download").onclick = downloadTranscript;
  $("clear").onclick = () => dispatch({ type: "clear" });
  $("notice-close").onclick = () => {
    noticeClosed = true;
    requestRender();
  };
  $("jump").onclick = () => {
    following = true;
    requestRender();
  };
  $("captions").onscroll = () => {
    const { scrollTop, clientHeight, scrollHeight } = $("captions");
    following = scrollTop + clientHeight > scrollHeight - NEAR_END_PX;
    $("jump").hidden = following;
  };
  document.onfullscreenchange = () => {
    document.body.classList.toggle("captions-only", document.fullscreenElement !== null);
    if (following) scrollToEnd();
  };
  document.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === $("key")) return;
    const id = SHORTCUTS[event.key];
    if (id !== undefined) $(id).click();
  };
  window.onbeforeunload = (event) => {
    if (isRecording(state)) event.preventDefault();
  };
}

takeKeyFromAddress();
const remembered = rememberedSize();
wire();
setTextSize(Number.isNaN(remembered) ? DEFAULT_SIZE : remembered);
render();
findServer();
