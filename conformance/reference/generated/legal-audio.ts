/** Variations of speech and transcripts that are legal: what servers do, and every client takes. No check may object. */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import type { Reply } from "../call.ts";
import { omit, oneWrite, withHeader } from "../mutants/mutant.ts";
import { changeBody, changeEvents, withData, type WrittenEvent } from "./edit-reply.ts";
import type { ReferenceOperations } from "../operations/index.ts";
import type { ReferenceWire } from "../wire.ts";
import { modeOfReply, type Variation } from "./fault.ts";

type Change = (reply: Reply) => Reply;

const DELTA = { speech: "speech.audio.delta", text: "transcript.text.delta" } as const;

function bytesOf({ data }: WrittenEvent): Buffer {
  return Buffer.from(String(data?.["audio"]), "base64");
}

/** The deltas of a stream together, and what becomes of them; they stand before all else. */
function regroup(
  type: string,
  change: (deltas: readonly WrittenEvent[], first: WrittenEvent) => readonly WrittenEvent[],
): Change {
  return inStreams((reply) =>
    changeEvents(reply, (events) => {
      const deltas = events.filter(({ kind }) => kind === type);
      const [first] = deltas;
      return first === undefined ? events : [...change(deltas, first), ...events.filter(({ kind }) => kind !== type)];
    }),
  );
}

function inStreams(change: Change): Change {
  return (reply) => (modeOfReply(reply) === "stream" ? change(reply) : reply);
}

function regroupSpeech(size: (length: number) => number): Change {
  return regroup(DELTA.speech, (deltas, first) => {
    const bytes = Buffer.concat(deltas.map(bytesOf));
    const step = size(bytes.length);
    return Array.from({ length: Math.ceil(bytes.length / step) }, (_, index) => {
      const audio = bytes.subarray(index * step, (index + 1) * step).toString("base64");
      return withData(first, { ...first.data, audio });
    });
  });
}

function isMedia(reply: Reply): boolean {
  return reply.status === 200 && reply.headers["content-type"]?.startsWith("audio/") === true;
}

const inMedia =
  (change: (bytes: Buffer, reply: Reply) => Reply): Change =>
  (reply) =>
    isMedia(reply) ? change(Buffer.concat(reply.writes.map(({ data }) => Buffer.from(data))), reply) : reply;

function isWave(bytes: Buffer): boolean {
  return bytes.toString("latin1", 0, 4) === "RIFF";
}

/** As a server writes it that does not know yet how long the speech will be. */
function forgetLength(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(0xff_ff_ff_ff, 4);
  copy.writeUInt32LE(0xff_ff_ff_ff, 40);
  return copy;
}

/** A chunk that says which program wrote the file, before the samples. */
function addChunk(bytes: Buffer): Buffer {
  const chunk = Buffer.from("LIST\u001A\0\0\0INFOISFT\u000E\0\0\0Lavf61.7.100\0\0", "latin1");
  const whole = Buffer.concat([bytes.subarray(0, 36), chunk, bytes.subarray(36)]);
  whole.writeUInt32LE(whole.length - 8, 4);
  return whole;
}

const TOKENS = { type: "tokens", input_tokens: 14, output_tokens: 6, total_tokens: 20 };

function inTranscripts(change: (body: JsonObject) => JsonObject): Change {
  return (reply) =>
    reply.status === 200
      ? changeBody(reply, (body) => (isJsonObject(body) && typeof body["text"] === "string" ? change(body) : body))
      : reply;
}

const isAudioStream = (events: readonly WrittenEvent[]): boolean =>
  events.some(({ kind }) => kind === "speech.audio.done" || kind === "transcript.text.done");

const CHANGES: Readonly<Record<string, Change>> = {
  "speech-in-one-delta": regroupSpeech((length) => length),
  "speech-in-many-deltas": regroupSpeech((length) => Math.max(1001, Math.ceil(length / 40))),
  "text-in-one-delta": regroup(DELTA.text, (deltas, first) => [
    withData(first, { ...first.data, delta: deltas.map(({ data }) => String(data?.["delta"])).join("") }),
  ]),
  "text-letter-by-letter": regroup(DELTA.text, (deltas) =>
    deltas.flatMap((event) =>
      Array.from(String(event.data?.["delta"]), (delta) => withData(event, { ...event.data, delta })),
    ),
  ),
  "no-sentinel": inStreams((reply) =>
    changeEvents(reply, (events) => (isAudioStream(events) ? events.filter(({ kind }) => kind !== "done") : events)),
  ),
  "names-of-events": inStreams((reply) =>
    changeEvents(reply, (events) =>
      events.map((event) =>
        event.kind.startsWith("speech.") || event.kind.startsWith("transcript.")
          ? { ...event, write: { ...event.write, data: `event: ${event.kind}\n${String(event.write.data)}` } }
          : event,
      ),
    ),
  ),
  "text-usage-at-the-end": inStreams((reply) =>
    changeEvents(reply, (events) =>
      events.map((event) =>
        event.kind === "transcript.text.done" ? withData(event, { ...event.data, usage: TOKENS }) : event,
      ),
    ),
  ),
  "wave-of-unknown-length": inMedia((bytes, reply) =>
    isWave(bytes) ? { ...reply, writes: oneWrite(forgetLength(bytes)) } : reply,
  ),
  "wave-with-more-chunks": inMedia((bytes, reply) =>
    isWave(bytes) ? { ...reply, writes: oneWrite(addChunk(bytes)) } : reply,
  ),
  "type-x-wav": inMedia((bytes, reply) =>
    isWave(bytes) ? { ...reply, ...withHeader(reply, "content-type", "audio/x-wav") } : reply,
  ),
  "media-in-pieces": inMedia((bytes, reply) => ({
    ...reply,
    writes: Array.from({ length: Math.ceil(bytes.length / 4099) }, (_, index) => ({
      data: bytes.subarray(index * 4099, (index + 1) * 4099),
      afterMs: 0,
    })),
  })),
  "media-with-length": inMedia((bytes, reply) => ({
    ...reply,
    ...withHeader(reply, "content-length", String(bytes.length)),
  })),
  "transcript-without-usage": inTranscripts((body) => omit(body, "usage")),
  "transcript-usage-in-tokens": inTranscripts((body) => ("usage" in body ? { ...body, usage: TOKENS } : body)),
  "language-as-code": inTranscripts((body) => ("language" in body ? { ...body, language: "en" } : body)),
};

/** "Streaming is not supported for the whisper-1 model and will be ignored", says the document. */
const STREAM_IGNORED: Variation = {
  id: "legal.audio.stream-ignored",
  description: "a transcription is never a stream",
  mutate: ({ operations }) => {
    const { createTranscription } = operations;
    const { answer } = createTranscription;
    const changed = { ...createTranscription, answer: ignoreStream(answer) };
    return { operations: { ...operations, createTranscription: changed } };
  },
};

type Answer = ReferenceOperations["createTranscription"]["answer"];

const ignoreStream =
  (answer: Answer): Answer =>
  (request, context) =>
    answer({ ...request, stream: undefined }, context);

export const AUDIO_VARIATIONS: readonly Variation[] = [
  STREAM_IGNORED,
  ...Object.entries(CHANGES).map(([id, change]) => ({
    id: `legal.audio.${id}`,
    description: id.replaceAll("-", " "),
    mutate: (): Partial<ReferenceWire> => ({ reply: (reply) => change(reply) }),
  })),
];
