// What the tests of this client share: the server that asks for a key, and the samples.

"use strict";

const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { DeepgramClient } = require("@deepgram/sdk");

const ROOT = join(__dirname, "..", "..", "..");
const AUDIO = process.env.HARK_AUDIO;
const KEY = process.env.HARK_KEY;
const WS_URL = process.env.HARK_KEYED_URL;
const HTTP_URL = WS_URL.replace("ws://", "http://");
const SAMPLES = JSON.parse(readFileSync(join(AUDIO, "samples.json"), "utf-8"));
const LIMIT = { timeout: 120_000 };

/** The SDK's client for this server; `credentials` are an apiKey or an accessToken. */
function clientWith(credentials) {
  const environment = { base: HTTP_URL, production: WS_URL, agent: WS_URL, agentRest: HTTP_URL };
  return new DeepgramClient({ ...credentials, environment });
}

/** A sample as mono s16le at 16 kHz. */
function pcm(name) {
  return readFileSync(join(AUDIO, `${name}-16000.pcm`));
}

/** The WAV file of a sample. */
function wavPath(name) {
  return join(ROOT, "clients", "samples", `${name}.wav`);
}

/** How long a sample is, in seconds. */
function durationS(name) {
  return pcm(name).length / 32_000;
}

/** The words of a text in lower case, without punctuation. */
function words(text) {
  return text.toLowerCase().match(/[\p{L}\p{N}_]+(?:'[\p{L}\p{N}_]+)*/gu) ?? [];
}

module.exports = { KEY, LIMIT, SAMPLES, clientWith, durationS, pcm, wavPath, words };
