// Deepgram's JavaScript SDK, live: words and their times, Finalize, CloseStream, keys.

"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { KEY, LIMIT, SAMPLES, clientWith, durationS, pcm, words } = require("./common.js");

const FRAME_BYTES = 3_200;
const LINEAR = {
  model: "nova-3",
  encoding: "linear16",
  sample_rate: 16_000,
  interim_results: "true",
  endpointing: 500,
  punctuate: "true",
};

/** A connection that is open; the SDK must not try again behind a test's back. */
async function connected(credentials, options = {}) {
  const client = clientWith(credentials);
  const args = { ...LINEAR, ...options, reconnectAttempts: 0 };
  const connection = await client.listen.v1.connect(args);
  connection.connect();
  try {
    await connection.waitForOpen();
  } catch (event) {
    connection.close();
    throw new Error(event.message);
  }
  return connection;
}

function send(connection, audio) {
  for (let start = 0; start < audio.length; start += FRAME_BYTES) {
    connection.sendMedia(audio.subarray(start, start + FRAME_BYTES));
  }
}

const finals = (messages) => messages.filter((each) => each.type === "Results" && each.is_final);
const best = (result) => result.channel.alternatives[0];
const text = (messages) => finals(messages).map((each) => best(each).transcript).join(" ");
const isNear = (value, wanted) => Math.abs(value - wanted) < 0.01;

/** Every word's start and end, in seconds, in order and within the audio but for the last pause. */
function assertTimesRunOn(timed, audioS) {
  let last = 0;
  for (const { start, end, word } of timed) {
    assert.ok(last <= start && start <= end && end <= audioS + 1, `${word}: ${start} to ${end}`);
    last = start;
  }
}

for (const [name, code] of [["lecture", "en"], ["spanish", "es"]]) {
  test(`words with their times, up to CloseStream: ${name}`, LIMIT, async () => {
    const connection = await connected({ apiKey: KEY }, { language: "multi", vad_events: "true" });
    const messages = [];
    connection.on("message", (message) => messages.push(message));
    const closed = new Promise((resolve) => connection.on("close", resolve));
    send(connection, pcm(name));
    connection.sendCloseStream({ type: "CloseStream" });
    assert.equal((await closed).code, 1000);

    const said = words(SAMPLES[name].text);
    const heard = finals(messages);
    const timed = heard.flatMap((each) => best(each).words);
    assert.deepEqual(words(text(messages)), said);
    assert.deepEqual(timed.map((each) => each.word), said);
    assert.deepEqual(words(timed.map((each) => each.punctuated_word).join(" ")), said);
    assertTimesRunOn(timed, durationS(name));
    const languages = heard.flatMap((each) => best(each).languages ?? []);
    assert.deepEqual([...new Set(languages)], [code]);

    let end = 0;
    for (const each of heard) {
      assert.ok(isNear(each.start, end), `${each.start} does not follow ${end}`);
      end = each.start + each.duration;
    }
    assert.ok(isNear(end, durationS(name)));
    assert.equal(messages[0].type, "SpeechStarted");
    const interims = messages.filter((each) => each.type === "Results" && !each.is_final);
    assert.ok(interims.some((each) => best(each).transcript));
    const last = messages.at(-1);
    assert.equal(last.type, "Metadata");
    assert.ok(isNear(last.duration, durationS(name)));
    assert.ok(heard.every((each) => each.metadata.request_id === last.request_id));
  });
}

test("Finalize gives the last word, and the stream goes on", LIMIT, async () => {
  const connection = await connected({ apiKey: KEY });
  const before = [];
  const after = [];
  let isFinalized = false;
  send(connection, pcm("alarm"));
  connection.sendFinalize({ type: "Finalize" });
  for await (const message of connection) {
    (isFinalized ? after : before).push(message);
    if (message.from_finalize) {
      isFinalized = true;
      connection.sendKeepAlive({ type: "KeepAlive" });
      send(connection, pcm("question"));
      connection.sendCloseStream({ type: "CloseStream" });
    }
  }
  assert.deepEqual(words(text(before)), words(SAMPLES.alarm.text));
  assert.deepEqual(words(text(after)), words(SAMPLES.question.text));
  const [first] = finals(after).flatMap((each) => best(each).words);
  assert.ok(first.start >= durationS("alarm") - 0.5, `${first.start}`);
});

for (const form of ["apiKey", "accessToken"]) {
  test(`a server that asks for keys takes an ${form}, if it is the right one`, LIMIT, async () => {
    const connection = await connected({ [form]: KEY });
    connection.sendCloseStream({ type: "CloseStream" });
    const types = [];
    for await (const message of connection) types.push(message.type);
    assert.equal(types.at(-1), "Metadata");
    await assert.rejects(connected({ [form]: "wrong" }), /server response: 401/);
  });
}
