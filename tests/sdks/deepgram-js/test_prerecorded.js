// Deepgram's JavaScript SDK sends recordings: a file as it is read, raw audio, errors.

"use strict";

const assert = require("node:assert/strict");
const { createReadStream } = require("node:fs");
const { test } = require("node:test");
const { DeepgramError } = require("@deepgram/sdk");
const { KEY, LIMIT, SAMPLES, clientWith, durationS, pcm, wavPath, words } = require("./common.js");

const media = (key = KEY) => clientWith({ apiKey: key }).listen.v1.media;

for (const [name, code] of [["lecture", "en"], ["spanish", "es"]]) {
  test(`a file, sent while it is read: ${name}`, LIMIT, async () => {
    const heard = await media().transcribeFile(createReadStream(wavPath(name)), {
      model: "nova-3",
      smart_format: true,
      utterances: true,
      detect_language: true,
    });
    const [channel] = heard.results.channels;
    const [{ transcript, words: timed }] = channel.alternatives;
    const said = words(SAMPLES[name].text);
    assert.deepEqual(words(transcript), said);
    assert.deepEqual(timed.map((each) => each.word), said);
    assert.equal(timed.map((each) => each.punctuated_word).join(" "), transcript);
    assert.equal(heard.results.utterances.map((each) => each.transcript).join(" "), transcript);
    assert.equal(channel.detected_language, code);
    assert.ok(Math.abs(heard.metadata.duration - durationS(name)) < 0.01);
  });
}

test("audio without a header", LIMIT, async () => {
  const heard = await media().transcribeFile(
    pcm("alarm"),
    { model: "nova-3", encoding: "linear16" },
    { queryParams: { sample_rate: 16_000 } },
  );
  const [{ transcript }] = heard.results.channels[0].alternatives;
  assert.deepEqual(words(transcript), words(SAMPLES.alarm.text));
});

/** What the SDK throws for a request, if it has the server's status and its own kind of body. */
async function refusal(request) {
  const error = await request.then(
    () => assert.fail("it was not refused"),
    (thrown) => thrown,
  );
  assert.ok(error instanceof DeepgramError, error);
  assert.deepEqual(Object.keys(error.body).sort(), ["err_code", "err_msg", "request_id"]);
  return [error.statusCode, error.body.err_code];
}

test("errors are the client's own", LIMIT, async () => {
  const noise = Buffer.from("Dear diary,\n".repeat(99));
  const [status] = await refusal(media().transcribeFile(noise, {}));
  assert.equal(status, 400);
  const refused = await refusal(media("wrong").transcribeFile(pcm("alarm"), {}));
  assert.deepEqual(refused, [401, "INVALID_AUTH"]);
});
