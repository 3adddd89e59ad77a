/** Checks of the audio buffer: commits, clears, and audio in every size, piece and format. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Inconclusive, NotTestable } from "../../src/outcome-signals.ts";
import type { RealtimeConnection } from "../../src/realtime-connection.ts";
import { encodeAudio, PCM, PCMA, PCMU, type RealtimeFormat, silenceOf, SPOKEN_MS } from "../support/realtime-audio.ts";
import {
  awaitEnds,
  COMPLETED,
  composeUpdate,
  describeConnection,
  errorsOf,
  expectOn,
  isAlive,
  isCleared,
  openConfigured,
  openSession,
  REALTIME,
  requireConfigurable,
  sendAudio,
  sendCommit,
  sendUpdate,
  throwIfRefused,
} from "../support/realtime-calls.ts";
import { requireTranscribed } from "../support/realtime-records.ts";
import { SPOKEN_WORDS } from "../support/recordings.ts";
import { measureWordErrors, WORD_ERRORS_MAX } from "../support/word-errors.ts";
import { OWNERS } from "../support/owners.ts";

const BUFFER = { ...REALTIME, reference: "OpenAPI RealtimeClientEventInputAudioBufferCommit" } as const;

const LATE_MS = 1000;

/** What a commit came to: the item, or the error. */
async function commit(context: CheckContext, connection: RealtimeConnection) {
  const from = connection.events.length;
  sendCommit(connection);
  const find = (type: string): JsonObject | undefined =>
    connection.events.slice(from).find(({ value }) => value["type"] === type)?.value;
  const committed = "input_audio_buffer.committed";
  const isAnswered = (): boolean => (find(committed) ?? find("error")) !== undefined;
  // What comes after the answer to the next message is late.
  await isAlive(context, connection);
  await connection.until(isAnswered, LATE_MS);
  const error = find("error")?.["error"];
  return { isCommitted: find(committed) !== undefined, error: isJsonObject(error) ? error : null };
}

/** The `completed` of a session's only turn. @throws Inconclusive */
async function requireCompletion(context: CheckContext, connection: RealtimeConnection): Promise<JsonObject> {
  await requireTranscribed(context);
  await awaitEnds(connection, 1, context.patienceMs);
  const completed = connection.events.find(({ value }) => value["type"] === COMPLETED)?.value;
  if (completed === undefined)
    throw new Inconclusive(`this needs a transcription: ${describeConnection(connection)}`, OWNERS.liveCompleted);
  return completed;
}

function keepInconclusive(error: unknown): Inconclusive {
  if (error instanceof Inconclusive) return error;
  throw error;
}

/** Of a usage in seconds. @throws NotTestable where it is in tokens, Inconclusive where there is none */
function readSeconds(completed: JsonObject): number {
  const { usage } = completed;
  if (isJsonObject(usage) && usage["type"] === "tokens") throw new NotTestable("usage is not counted in seconds");
  if (isJsonObject(usage) && typeof usage["seconds"] === "number") return usage["seconds"];
  throw new Inconclusive("there is no usage, which another check judges", OWNERS.liveUsage);
}

/** A quarter of a second is forgiven; whole seconds, rounded up, are what some servers count. */
function expectSeconds(connection: RealtimeConnection, completed: JsonObject, milliseconds: number): void {
  const seconds = readSeconds(completed);
  const exact = milliseconds / 1000;
  const holds = Math.abs(seconds - exact) <= 0.25 || seconds === Math.ceil(exact) || seconds === Math.round(exact);
  expectOn(connection, holds, { observer: "wire", expected: `${exact} s of audio`, actual: `${seconds} s` });
}

interface ShortCommit {
  readonly slug: string;
  readonly what: string;
  readonly audioMs: number;
}

const SHORT: readonly ShortCommit[] = [
  { slug: "empty", what: "A commit of an empty buffer", audioMs: 0 },
  { slug: "short", what: "A commit of less than a tenth of a second", audioMs: 60 },
];

const commitChecks = SHORT.flatMap(({ slug, what, audioMs }) => {
  const play = async (context: CheckContext) => {
    const connection = await openConfigured(context);
    if (audioMs > 0) sendAudio(connection, silenceOf(audioMs));
    return { connection, ...(await commit(context, connection)) };
  };
  return [
    defineCheck({
      ...BUFFER,
      id: `realtime.buffer.${slug}-commit`,
      requirement: `${what} is answered with an \`error\`, not with silence or a turn, and the session goes on.`,
      reference:
        "OpenAPI RealtimeClientEventInputAudioBufferCommit: an empty buffer is an error; vllm-project/vllm#34532",
      breaks: "Push-to-talk clients commit when a button is let go: they hang, or lose the connection.",
      async run(context) {
        const { connection, error } = await play(context);
        const actual = describeConnection(connection);
        expectOn(connection, error !== null, { observer: "wire", expected: "an error", actual });
        const alive = await isAlive(context, connection);
        const after = describeConnection(connection);
        expectOn(connection, alive, { observer: "wire", expected: "a session that goes on", actual: after });
      },
    }),
    defineCheck({
      ...BUFFER,
      id: `realtime.buffer.${slug}-commit-code`,
      level: "should",
      requirement: `${what} has the code \`input_audio_buffer_commit_empty\`.`,
      reference: "api.openai.com: input_audio_buffer_commit_empty; stack-chan/stack-chan#634",
      breaks: "Clients pass over this error by its code, and show every other one.",
      async run(context) {
        const { connection, error } = await play(context);
        if (error === null)
          throw new Inconclusive("there is no error, which another check judges", OWNERS.liveEmptyCommit);
        const { code } = error;
        const expected = "input_audio_buffer_commit_empty";
        expectOn(connection, code === expected, { observer: "wire", expected, actual: JSON.stringify(code) });
      },
    }),
  ];
});

const clearChecks: readonly Check[] = [
  defineCheck({
    ...BUFFER,
    id: "realtime.buffer.cleared",
    requirement:
      "`input_audio_buffer.clear` is answered with `input_audio_buffer.cleared`, whether there is audio or not.",
    reference: "OpenAPI RealtimeServerEventInputAudioBufferCleared",
    breaks: "Clients that cancel a recording wait for the answer before they start the next.",
    async run(context) {
      const connection = await openConfigured(context);
      for (const audioMs of [0, 300]) {
        sendAudio(connection, silenceOf(audioMs));
        const holds = await isCleared(context, connection);
        const actual = describeConnection(connection);
        expectOn(connection, holds, { observer: "wire", expected: "input_audio_buffer.cleared", actual });
      }
    },
  }),
  defineCheck({
    ...BUFFER,
    id: "realtime.buffer.clear-drops",
    requirement: "What was cleared is not transcribed: a commit after it finds an empty buffer.",
    reference: "OpenAPI RealtimeClientEventInputAudioBufferClear",
    breaks: "What somebody took back is written down and sent all the same.",
    async run(context) {
      const connection = await openConfigured(context);
      sendAudio(connection, PCM.spoken);
      await isAlive(context, connection);
      const { isCommitted, error } = await commit(context, connection);
      const actual = describeConnection(connection);
      if (!isCommitted && error === null)
        throw new Inconclusive("an empty commit is no error, which another check judges", OWNERS.liveEmptyCommit);
      expectOn(connection, !isCommitted, { observer: "wire", expected: "an error", actual });
    },
  }),
  defineCheck({
    ...BUFFER,
    id: "realtime.buffer.append-silent",
    level: "should",
    requirement: "`input_audio_buffer.append` is not acknowledged.",
    reference: "OpenAPI RealtimeClientEventInputAudioBufferAppend: the server does not send a confirmation",
    breaks: "Clients get fifty messages a second that they know nothing of, and log each.",
    async run(context) {
      const connection = await openConfigured(context);
      const from = connection.events.length;
      sendAudio(connection, silenceOf(500));
      await isAlive(context, connection);
      const types = connection.events.slice(from).map(({ value }) => String(value["type"]));
      // Whatever else a server tells is no acknowledgement.
      const holds = types.filter((type) => type === "error" || type.startsWith("input_audio_buffer.")).length === 1;
      const actual = types.join(", ");
      expectOn(connection, holds, { observer: "wire", expected: "only the answer to `clear`", actual });
    },
  }),
];

interface Pieces {
  readonly slug: string;
  readonly what: string;
  readonly cut: (audio: Uint8Array) => readonly Uint8Array[];
  readonly breaks: string;
}

const ONE_BYTE_APPENDS = 64;
const ODD_BYTES = 4801;

function cutBytes(audio: Uint8Array, bytes: number): readonly Uint8Array[] {
  const count = Math.ceil(audio.length / bytes);
  return Array.from({ length: count }, (_, index) => audio.subarray(index * bytes, (index + 1) * bytes));
}

const PIECES: readonly Pieces[] = [
  {
    slug: "whole",
    what: "All of a recording in one append",
    cut: (audio) => [audio],
    breaks: "Clients that record first and send then get an error, or a text of the beginning.",
  },
  {
    slug: "odd",
    what: "Audio that is cut in the middle of a sample",
    cut: (audio) => cutBytes(audio, ODD_BYTES),
    breaks: "Who cuts audio by bytes hears noise from there on: each sample is read from its second half.",
  },
  {
    slug: "bytes",
    what: "Audio of which some comes byte by byte",
    cut: (audio) => [
      ...Array.from({ length: ONE_BYTE_APPENDS }, (_, index) => audio.subarray(index, index + 1)),
      ...cutBytes(audio.subarray(ONE_BYTE_APPENDS), 2 * ODD_BYTES),
    ],
    breaks: "A client with small buffers gets an error for each.",
  },
];

const pieceChecks = PIECES.map(({ slug, what, cut, breaks }) =>
  defineCheck({
    ...BUFFER,
    id: `realtime.buffer.pieces-${slug}`,
    level: "should",
    requirement: `${what} is taken as the same audio: no error, and all of it in the turn.`,
    reference: "OpenAPI RealtimeClientEventInputAudioBufferAppend.audio: up to 15 MiB; the smaller, the faster",
    breaks,
    async run(context) {
      const connection = await openConfigured(context);
      for (const piece of cut(PCM.spoken)) {
        connection.send({ type: "input_audio_buffer.append", audio: encodeAudio(piece) });
      }
      sendCommit(connection);
      const completed = await requireCompletion(context, connection).catch(keepInconclusive);
      const errors = errorsOf(connection.events);
      expectOn(connection, errors.length === 0, {
        observer: "wire",
        expected: "no error",
        actual: JSON.stringify(errors),
      });
      if (completed instanceof Inconclusive) throw completed;
      expectSeconds(connection, completed, SPOKEN_MS);
    },
  }),
);

const COMPANDED: readonly { readonly slug: string; readonly name: string; readonly format: RealtimeFormat }[] = [
  { slug: "pcmu", name: "µ-law (`audio/pcmu`)", format: PCMU },
  { slug: "pcma", name: "A-law (`audio/pcma`)", format: PCMA },
];

/** One spoken turn in this format. @throws Unsupported, Inconclusive */
async function speakIn(context: CheckContext, format: RealtimeFormat) {
  await requireConfigurable(context);
  const connection = await openSession(context);
  const { session, error } = await sendUpdate(context, connection, composeUpdate(context, { format }));
  throwIfRefused(error, format.format.type, "format");
  if (session === null)
    throw new Inconclusive(`this needs an update: ${describeConnection(connection)}`, OWNERS.liveUpdated);
  sendAudio(connection, format.spoken, format);
  sendCommit(connection);
  return { connection, completed: await requireCompletion(context, connection) };
}

const formatChecks = COMPANDED.flatMap(({ slug, name, format }) => [
  defineCheck({
    ...BUFFER,
    id: `realtime.format.${slug}.length`,
    level: "should",
    requirement: `Audio in ${name} is taken as 8000 samples a second of a byte each.`,
    reference: "OpenAPI RealtimeAudioFormats; ITU-T G.711",
    breaks: "Telephone audio is heard six times too fast, and no word of it understood.",
    async run(context) {
      const { connection, completed } = await speakIn(context, format);
      expectSeconds(connection, completed, SPOKEN_MS);
    },
  }),
  defineCheck({
    ...BUFFER,
    id: `realtime.format.${slug}.words`,
    tier: "model",
    requirement: `Words in ${name} are understood.`,
    reference: "OpenAPI RealtimeAudioFormats; ITU-T G.711",
    breaks: "Calls from telephones (Twilio, SIP) are transcribed as noise.",
    async run(context) {
      const { connection, completed } = await speakIn(context, format);
      const heard = String(completed["transcript"]);
      const holds = measureWordErrors(SPOKEN_WORDS, heard) <= WORD_ERRORS_MAX;
      expectOn(connection, holds, { observer: "wire", expected: SPOKEN_WORDS, actual: heard });
    },
  }),
]);

const rateCheck = defineCheck({
  ...BUFFER,
  id: "realtime.format.rate",
  requirement: "A sample rate other than 24000 is honoured or refused with an `error`, never passed over.",
  reference: "OpenAPI RealtimeAudioFormats.rate: 24000; BerriAI/litellm#42479; vllm-project/vllm#32304",
  breaks: "Audio is heard at the wrong speed: the text is wrong, and nothing says why.",
  async run(context) {
    await requireConfigurable(context);
    const connection = await openSession(context);
    const format = { ...PCM, format: { type: "audio/pcm", rate: 16_000 } };
    const { session, error } = await sendUpdate(context, connection, composeUpdate(context, { format }));
    if (error !== null) return;
    if (session === null)
      throw new Inconclusive(`this needs an update: ${describeConnection(connection)}`, OWNERS.liveUpdated);
    const echoed = JSON.stringify(session).includes("16000");
    expectOn(connection, echoed, {
      observer: "wire",
      expected: "an error, or the rate in the session",
      actual: JSON.stringify(session),
    });
  },
});

const silenceCheck = defineCheck({
  ...BUFFER,
  id: "realtime.buffer.silent-turn",
  tier: "model",
  requirement: "A committed turn of silence is transcribed as nothing.",
  reference: "OpenAPI RealtimeServerEventConversationItemInputAudioTranscriptionCompleted.transcript",
  breaks: "A muted microphone says `Thank you.`",
  async run(context) {
    const connection = await openConfigured(context);
    sendAudio(connection, silenceOf(1000));
    sendCommit(connection);
    const { transcript } = await requireCompletion(context, connection);
    const actual = JSON.stringify(transcript);
    expectOn(connection, String(transcript).trim() === "", { observer: "wire", expected: "an empty text", actual });
  },
});

export const realtimeBufferChecks: readonly Check[] = [
  ...commitChecks,
  ...clearChecks,
  ...pieceChecks,
  ...formatChecks,
  rateCheck,
  silenceCheck,
];
