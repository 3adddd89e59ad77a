/** Checks of streamed transcriptions: which events come, in which order, and what they add up to. */

import { createTranscriptionResponseStreamEventSchema, validateShape } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { jsonFrames } from "../../src/expect-stream.ts";
import {
  assume,
  expectHeader,
  expectSdkValue,
  expectStatus,
  expectThat,
  type JsonObject,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { SPOKEN } from "../support/recordings.ts";
import { askTranscript, requireText, throwIfStreamIgnored, TRANSCRIPTIONS } from "../support/transcript-calls.ts";
import { OWNERS } from "../support/owners.ts";

const STREAM = {
  ...TRANSCRIPTIONS.check,
  reference: "OpenAPI CreateTranscriptionResponseStreamEvent; openai-node resources/audio/transcriptions.ts",
} as const;

const DELTA = "transcript.text.delta";
const DONE = "transcript.text.done";

async function openStream(context: CheckContext): Promise<Exchange> {
  const exchange = await askTranscript(context, TRANSCRIPTIONS, { fields: { stream: "true" } });
  throwIfUnsupported(exchange, "stream");
  await throwIfStreamIgnored(context, exchange, { response_format: "json" });
  return exchange;
}

/** The events of a stream whose head another check judges. @throws Inconclusive */
async function requireEvents(context: CheckContext): Promise<readonly JsonObject[]> {
  const exchange = await openStream(context);
  return assume("a stream of events", OWNERS.heardEvents, () => {
    expectStatus(exchange, 200);
    expectHeader(exchange, "content-type", /^text\/event-stream\b/i);
    return jsonFrames(exchange);
  });
}

function joinDeltas(events: readonly JsonObject[]): string {
  const deltas = events.filter(({ type }) => type === DELTA).map(({ delta }) => delta);
  if (deltas.length > 0 && deltas.every((delta) => typeof delta === "string")) return deltas.join("");
  throw new Inconclusive("a delta has no text, which another check judges", OWNERS.heardDeltas);
}

/** The text of the last event. @throws Inconclusive */
function requireDone(events: readonly JsonObject[]): string {
  const text = events.findLast(({ type }) => type === DONE)?.["text"];
  if (typeof text === "string") return text;
  throw new Inconclusive("no event has the whole text, which another check judges", OWNERS.heardDone);
}

export const transcriptStreamChecks: readonly Check[] = [
  defineCheck({
    ...STREAM,
    id: "audio.transcriptions.stream.head",
    requirement:
      "With `stream` true a transcription is answered with `text/event-stream`, or refused with 400, or `stream` is ignored: JSON with the text.",
    reference:
      "OpenAPI CreateTranscriptionRequest.stream: not supported for whisper-1 and ignored; openai-node resources/audio/transcriptions.ts",
    breaks: "The SDKs iterate over JSON as over a stream without events: no text, and no error.",
    async run(context) {
      const exchange = await openStream(context);
      expectStatus(exchange, 200);
      expectHeader(exchange, "content-type", /^text\/event-stream\b/i);
    },
  }),
  defineCheck({
    ...STREAM,
    id: "audio.transcriptions.stream.deltas",
    requirement: "The text of a streamed transcription comes in events of the type `transcript.text.delta`.",
    reference: "OpenAPI TranscriptTextDeltaEvent; vllm-project/vllm#49116",
    breaks: "The union of the SDKs has no `transcription.chunk`: typed clients throw, others show nothing.",
    async run(context) {
      const events = await requireEvents(context);
      const types = events.map(({ type }) => String(type));
      if (events.length === 1 && types[0] === DONE && requireDone(events) === "") {
        throw new Inconclusive("the model heard nothing", "model");
      }
      const holds =
        types.includes(DELTA) && types.every((type) => /^transcript\.text\.(?:delta|done|segment)$/.test(type));
      expectThat(holds, { observer: "wire", expected: `events of the type ${DELTA}`, actual: types.join(", ") });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "audio.transcriptions.stream.done",
    requirement:
      "A streamed transcription ends with one event of the type `transcript.text.done` that has the whole text.",
    reference: "OpenAPI TranscriptTextDoneEvent",
    breaks: "Clients that wait for it to store the text wait for ever, or store it twice.",
    async run(context) {
      const events = await requireEvents(context);
      const isLast = events.at(-1)?.["type"] === DONE && typeof events.at(-1)?.["text"] === "string";
      const count = events.filter(({ type }) => type === DONE).length;
      const actual = `${count} of them, the last event is ${JSON.stringify(events.at(-1))}`;
      expectThat(isLast && count === 1, { observer: "wire", expected: `one ${DONE} with a text, at the end`, actual });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "audio.transcriptions.stream.joined",
    requirement: "The deltas of a streamed transcription, joined as they are, are the text of its last event.",
    breaks: "Words run together or appear twice: clients put deltas together without a blank.",
    async run(context) {
      const events = await requireEvents(context);
      const [joined, text] = [joinDeltas(events), requireDone(events)];
      expectThat(joined === text, { observer: "wire", expected: JSON.stringify(text), actual: JSON.stringify(joined) });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "audio.transcriptions.stream.same-text",
    level: "should",
    requirement: "A streamed transcription has the text that it has without a stream.",
    breaks: "Tests and caches that compare the two ways of asking.",
    async run(context) {
      const plain = requireText(await askTranscript(context, TRANSCRIPTIONS, { fields: { temperature: "0" } }), "json");
      const streamed = requireDone(await requireEvents(context))
        .replaceAll(/\s+/g, " ")
        .trim();
      expectThat(streamed === plain, {
        observer: "wire",
        expected: JSON.stringify(plain),
        actual: JSON.stringify(streamed),
      });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "audio.transcriptions.stream.shape",
    requirement: "Each event of a streamed transcription has the shape of its type.",
    breaks: "Clients with strict types, such as the Rust, Kotlin and Java ones.",
    async run(context) {
      const issues = (await requireEvents(context))
        .filter(({ type }) => type === DELTA || type === DONE)
        .flatMap((event) => validateShape(createTranscriptionResponseStreamEventSchema, event))
        .filter(({ path }) => path !== "text");
      const actual = issues.map(({ path, message }) => `${path}: ${message}`).join("; ");
      expectThat(issues.length === 0, { observer: "schema", expected: "the shape in the specification", actual });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "audio.transcriptions.stream.sdk",
    requirement: "The SDK iterates over a streamed transcription to its end.",
    breaks: "Every client that streams through the official SDK.",
    async run(context) {
      await requireEvents(context);
      const model = String(context.models.transcription);
      const file = new File([SPOKEN], "speech.wav", { type: "audio/wav" });
      const outcome = await context.sdk(async (client) => {
        const stream = await client.audio.transcriptions.create({ model, file, response_format: "json", stream: true });
        const types: string[] = [];
        for await (const event of stream) types.push(event.type);
        return types;
      });
      const types = expectSdkValue(outcome);
      expectThat(types.length > 0, { observer: "sdk", expected: "events", actual: "none" });
    },
  }),
];
