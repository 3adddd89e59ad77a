/**
 * Checks of turns: invariants over every event of every session that the suite holds, both kinds of it and both ways of
 * ending a turn.
 */

import { operations, validateShape } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Inconclusive, NotTestable } from "../../src/outcome-signals.ts";
import { excerpt } from "../../src/response-body.ts";
import { SPOKEN_MS } from "../support/realtime-audio.ts";
import { expectOn, REALTIME } from "../support/realtime-calls.ts";
import {
  describeRecord,
  everyRecord,
  PAUSE_MS,
  requireCompleted,
  requireTurns,
  requireUpdates,
  type SessionRecord,
  type TurnRecord,
  turnsOf,
} from "../support/realtime-records.ts";
import { askTranscript, TRANSCRIPTIONS } from "../support/transcript-calls.ts";
import { SPOKEN_WORDS } from "../support/recordings.ts";
import { measureWordErrors, WORD_ERRORS_MAX } from "../support/word-errors.ts";
import { OWNERS } from "../support/owners.ts";

interface Seen {
  readonly holds: boolean;
  readonly actual: string;
}

interface Invariant {
  readonly slug: string;
  readonly level?: "must" | "should";
  readonly tier?: "protocol" | "model";
  readonly observer?: "schema" | "wire" | "sdk";
  readonly requirement: string;
  readonly reference: string;
  readonly breaks: string;
  /** As the end of "expected …". */
  readonly expected: string;
  /** Whether a slow model fails it: the time that it takes is looked at first. Default false. */
  readonly takesModel?: boolean;
}

interface SessionInvariant extends Invariant {
  /** @throws Inconclusive where it says nothing of this session */
  readonly look: (record: SessionRecord) => Seen;
}

interface TurnInvariant extends Invariant {
  /** @throws Inconclusive where it says nothing of this turn */
  readonly look: (turn: TurnRecord, record: SessionRecord) => Seen;
}

const ORDER = "OpenAPI RealtimeServerEvent; recorded sessions: committed, added, done, then the transcription";

function requireEvents(record: SessionRecord): void {
  if (record.events.length === 0)
    throw new Inconclusive("this needs events, which another check judges", OWNERS.liveCreated);
}

const SESSION_INVARIANTS: readonly SessionInvariant[] = [
  {
    slug: "event-id",
    observer: "schema",
    requirement: "Every event of the server has an `event_id`, and no two of a session have the same.",
    reference: "OpenAPI RealtimeServerEvent: event_id is required",
    breaks: "Clients with strict types refuse the event; those that drop repeated events lose text.",
    expected: "an event_id of its own in each event",
    look(record) {
      requireEvents(record);
      const ids = record.events.map(({ value }) => value["event_id"]);
      const holds = ids.every((id) => typeof id === "string" && id !== "") && new Set(ids).size === ids.length;
      return { holds, actual: JSON.stringify(ids) };
    },
  },
  {
    slug: "shape",
    observer: "schema",
    requirement: "Every event of the server has the shape in the specification.",
    reference: "OpenAPI RealtimeServerEvent",
    breaks: "Clients with strict types, such as the Python, Go and .NET ones, refuse the event.",
    expected: "the shape in the specification",
    look(record) {
      requireEvents(record);
      const misshapen = findMisshapen(record);
      return { holds: misshapen === null, actual: misshapen ?? "" };
    },
  },
  {
    slug: "sdk",
    observer: "sdk",
    requirement: "The official SDK can read each message and reports no error in a session in which all goes well.",
    reference: "openai-node realtime/ws.ts: an object with a string `type`",
    breaks: "The SDK emits `error`; without a listener that ends the process of the client.",
    expected: "as many events of the SDK as messages, and no error",
    look(record) {
      requireEvents(record);
      const { types, errors } = record.sdk;
      const isBare = types.length === 0 && errors.length === 0;
      const holds = isBare || (errors.length === 0 && types.length === record.events.length);
      return { holds, actual: `${types.length} of ${record.events.length} events, errors: ${JSON.stringify(errors)}` };
    },
  },
  {
    slug: "no-response",
    requirement: "A session that only transcribes sends no event of a response.",
    reference: "OpenAPI RealtimeTranscriptionSession; turn_detection.create_response",
    breaks: "Clients for dictation wait for the end of an answer, or play one.",
    expected: "no event `response.*`",
    look(record) {
      requireEvents(record);
      const types = record.events.map(({ value }) => String(value["type"]));
      return { holds: !types.some((type) => type.startsWith("response.")), actual: types.join(", ") };
    },
  },
  {
    slug: "committed",
    requirement: "Each turn that the client spoke becomes one item: as many `input_audio_buffer.committed` as turns.",
    reference: "OpenAPI RealtimeServerEventInputAudioBufferCommitted; vllm-project/vllm-omni#5867; livekit/agents#1347",
    breaks: "Clients file each text under its item: they lose turns, or show one twice.",
    expected: "one committed item per turn",
    look(record) {
      requireUpdates(record);
      const turns = turnsOf(record).length;
      return {
        holds: turns === record.spoken,
        actual: `${turns} items of ${record.spoken} turns: ${describeRecord(record)}`,
      };
    },
  },
  {
    slug: "previous-item",
    level: "should",
    requirement: "`previous_item_id` of a committed item is the item before it, and null for the first.",
    reference: "OpenAPI RealtimeServerEventInputAudioBufferCommitted.previous_item_id",
    breaks: "Texts of turns may arrive in any order: who orders them by this shows them in a wrong one.",
    expected: "a chain from null",
    look(record) {
      const turns = requireTurns(record);
      const found = turns.map(({ committed }) => committed?.value["previous_item_id"] ?? null);
      const chain = turns.map((_, index) => turns[index - 1]?.itemId ?? null);
      const holds = JSON.stringify(found) === JSON.stringify(chain);
      return { holds, actual: JSON.stringify(found) };
    },
  },
  {
    slug: "close",
    requirement: "A close frame of the client is answered with one, and the connection ends.",
    reference: "RFC 6455 section 5.5.1",
    breaks: "Clients that end a session wait half a minute for it, and report a broken connection.",
    expected: "a close frame with the code 1000",
    look(record) {
      requireEvents(record);
      const code = record.closure?.code ?? null;
      return { holds: code === 1000, actual: code === null ? "an open connection" : `the code ${code}` };
    },
  },
];

/** @throws Inconclusive */
function requirePlaced<T>(value: T | undefined): T {
  if (value === undefined) throw new Inconclusive("an event is missing, which another check judges", OWNERS.liveTurns);
  return value;
}

function readItem(turn: TurnRecord, name: "added" | "done"): JsonObject {
  const { item } = requirePlaced(turn[name]).value;
  if (isJsonObject(item)) return item;
  throw new Inconclusive("there is no item, which another check judges", OWNERS.liveItems);
}

const TURN_INVARIANTS: readonly TurnInvariant[] = [
  {
    slug: "item-events",
    requirement: "Each committed turn has its `conversation.item.added` and `.done`, by the id of its item.",
    reference: "OpenAPI RealtimeServerEventConversationItemAdded; stdapi-ai/stdapi.ai#274",
    breaks: "Current clients know items by these two events only, and the beta's `created` by none.",
    expected: "added and done of the committed item",
    look: ({ added, done, itemId }, record) => ({
      holds: added !== undefined && done !== undefined,
      actual: `${itemId}: ${describeRecord(record)}`,
    }),
  },
  {
    slug: "order",
    requirement: "A turn is committed, added and done in this order, and its transcription ends after that.",
    reference: ORDER,
    breaks: "Clients get a text for an item that they don't know, and drop it.",
    expected: "committed, added, done, completed",
    look(turn, record) {
      const places = [turn.committed, turn.added, turn.done].map((placed) => requirePlaced(placed).at);
      const end = turn.ends[0]?.at ?? Infinity;
      const order = [...places, end];
      const holds = order.every((at, index) => index === 0 || at > (order[index - 1] ?? 0));
      return { holds, actual: describeRecord(record) };
    },
  },
  {
    slug: "item",
    observer: "schema",
    requirement: "The item of a turn is a completed message of the user with its audio as content.",
    reference: "OpenAPI RealtimeConversationItemMessageUser",
    breaks: "Clients that build the conversation from items show nothing, or the wrong speaker.",
    expected: "a completed message of the user with input_audio",
    look(turn) {
      const item = readItem(turn, "done");
      const { content } = item;
      const first: unknown = Array.isArray(content) ? content[0] : undefined;
      const isAudio = isJsonObject(first) && first["type"] === "input_audio";
      const isOf = item["type"] === "message" && item["role"] === "user" && item["status"] === "completed";
      return { holds: isOf && isAudio, actual: JSON.stringify(item) };
    },
  },
  {
    slug: "completed",
    requirement:
      "Each turn is transcribed in the end: `…input_audio_transcription.completed`, though nothing is sent any more.",
    reference: "OpenAPI RealtimeServerEventConversationItemInputAudioTranscriptionCompleted; suitenumerique/meet#1277",
    breaks: "Who stops talking waits for the text until he talks again, or for ever.",
    expected: "completed without another message of the client",
    takesModel: true,
    look: ({ ends }, record) => ({
      holds: ends.some(({ value }) => String(value["type"]).endsWith(".completed")),
      actual: describeRecord(record),
    }),
  },
  {
    slug: "ends-once",
    requirement: "A turn ends once: one `completed` or one `failed`, and no delta after it.",
    reference: ORDER,
    breaks: "Clients that append the text of each end show it twice.",
    expected: "one end, and nothing after it",
    look(turn, record) {
      const [first] = turn.ends;
      if (first === undefined)
        throw new Inconclusive("there is no end, which another check judges", OWNERS.liveCompleted);
      const holds = turn.ends.length === 1 && turn.deltas.every(({ at }) => at < first.at);
      return { holds, actual: describeRecord(record) };
    },
  },
  {
    slug: "content-index",
    observer: "schema",
    requirement: "Deltas and ends name the part of the item's content that they transcribe: `content_index` 0.",
    reference: "OpenAPI RealtimeServerEventConversationItemInputAudioTranscriptionCompleted.content_index",
    breaks: "Clients write the text into `item.content[undefined]`, and crash or lose it.",
    expected: "content_index 0",
    look({ deltas, ends }) {
      const found = [...deltas, ...ends].map(({ value }) => value["content_index"]);
      return { holds: found.every((index) => index === 0), actual: JSON.stringify(found) };
    },
  },
  {
    slug: "deltas-join",
    requirement: "The deltas of a turn, joined, are its transcript.",
    reference:
      "OpenAPI RealtimeServerEventConversationItemInputAudioTranscriptionDelta; huggingface/speech-to-speech#442",
    breaks: "Live captions repeat words, run them together, or jump at the end of each sentence.",
    expected: "the transcript",
    look(turn, record) {
      const transcript = String(requireCompleted(record, turn).value["transcript"]);
      if (turn.deltas.length === 0) return { holds: true, actual: "no delta" };
      const joined = turn.deltas
        .map(({ value }) => (typeof value["delta"] === "string" ? value["delta"] : ""))
        .join("");
      return { holds: joined === transcript, actual: JSON.stringify({ joined, transcript }) };
    },
  },
  {
    slug: "usage",
    observer: "schema",
    requirement: "The end of a transcription says what was used: seconds, or tokens with their sum.",
    reference: "OpenAPI RealtimeServerEventConversationItemInputAudioTranscriptionCompleted.usage (required)",
    breaks: "Clients with strict types refuse the event; who bills by it bills nothing.",
    expected: "a usage of duration or tokens",
    look(turn, record) {
      const { usage } = requireCompleted(record, turn).value;
      const used = isJsonObject(usage) ? usage : {};
      const isDuration = used["type"] === "duration" && typeof used["seconds"] === "number" && used["seconds"] > 0;
      const [read, written, all] = [used["input_tokens"], used["output_tokens"], used["total_tokens"]];
      const isTokens = used["type"] === "tokens" && Number(read) + Number(written) === all;
      return { holds: isDuration || isTokens, actual: JSON.stringify(usage) };
    },
  },
  {
    slug: "usage-seconds",
    level: "should",
    requirement: "The seconds of a turn's usage are those of its audio.",
    reference: "OpenAPI TranscriptTextUsageDuration.seconds: duration of the input audio in seconds",
    breaks: "Bills are wrong by the factor of a wrong sample rate, or count each turn from the session's start.",
    expected: "the length of the turn's audio",
    look(turn, record) {
      const { usage } = requireCompleted(record, turn).value;
      const used = isJsonObject(usage) ? usage : {};
      if (used["type"] !== "duration") throw new NotTestable("usage is not counted in seconds");
      const seconds = Number(used["seconds"]);
      const [least, most] = boundsOf(record);
      return { holds: seconds >= least && seconds <= most, actual: `${seconds} s, not from ${least} to ${most}` };
    },
  },
  {
    slug: "words",
    tier: "model",
    requirement: "The transcript of a turn has the words that were said.",
    reference: "OpenAPI RealtimeServerEventConversationItemInputAudioTranscriptionCompleted.transcript",
    breaks: "The sample rate, or the beginning of each turn, is wrong, or the model hears nothing.",
    expected: `${JSON.stringify(SPOKEN_WORDS)}, but for ${WORD_ERRORS_MAX} of its words`,
    look(turn, record) {
      const transcript = String(requireCompleted(record, turn).value["transcript"]);
      return { holds: measureWordErrors(SPOKEN_WORDS, transcript) <= WORD_ERRORS_MAX, actual: transcript };
    },
  },
];

/** Of the patience: a session may take as long again. */
const PATIENCE_SHARE = 0.5;

/** A detected turn leaves out pauses; a second of rounding is forgiven. */
function boundsOf({ isDetected }: SessionRecord): readonly [number, number] {
  const longest = (SPOKEN_MS + PAUSE_MS) / 1000 + 1;
  return [(isDetected ? SPOKEN_MS / 1000 : longest - 1) - 1, longest];
}

/** What other checks judge. */
const SHAPES_OF_OTHERS =
  /^(?:event_id|type|content_index|error(?:\..*)?|item(?:\..*)?|usage(?:\..*)?|session\.(?:id|object))$/;

/** The first event that has not the shape of the specification, and why; null when all have it. */
function findMisshapen({ events }: SessionRecord): string | null {
  for (const { value } of events) {
    const issues = validateShape(operations.connectRealtime.serverEvent, value);
    const own = issues.filter(({ path }) => !SHAPES_OF_OTHERS.test(path));
    const why = own.map(({ path, message }) => `${path || "(root)"}: ${message}`).join("; ");
    if (own.length > 0) return `${why} in ${excerpt(JSON.stringify(value))}`;
  }
  return null;
}

/** Over all sessions; one of which it says nothing does not matter unless that goes for all. */
async function judge(context: CheckContext, invariant: Invariant, look: (record: SessionRecord) => readonly Seen[]) {
  let silence: unknown = new Inconclusive("there is no session", OWNERS.liveOpen);
  let seen = 0;
  for (const record of await everyRecord(context)) {
    try {
      for (const { holds, actual } of look(record)) {
        seen += 1;
        if (!holds && invariant.takesModel === true) await requireFastModel(context);
        const { observer = "wire", expected } = invariant;
        expectOn(record, holds, { observer, expected, actual: `${actual} (session ${record.name})` });
      }
    } catch (thrown) {
      if (!(thrown instanceof Inconclusive || thrown instanceof NotTestable)) throw thrown;
      silence = thrown;
    }
  }
  if (seen === 0) throw silence;
}

function define(invariant: Invariant, look: (record: SessionRecord) => readonly Seen[]): Check {
  const { slug, level = "must", tier = "protocol", requirement, reference, breaks } = invariant;
  return defineCheck({
    ...REALTIME,
    id: `realtime.turn.${slug}`,
    level,
    tier,
    requirement,
    reference,
    breaks,
    run: (context) => judge(context, invariant, look),
  });
}

/**
 * A model that is slower than the patience says nothing of the server: how long a recording takes to be transcribed is
 * looked at. @throws Inconclusive
 */
async function requireFastModel(context: CheckContext): Promise<void> {
  const startedAt = performance.now();
  const exchange = await askTranscript(context, TRANSCRIPTIONS);
  const took = performance.now() - startedAt;
  if (exchange.response?.status !== 200 || took < context.patienceMs * PATIENCE_SHARE) return;
  throw new Inconclusive(`the model takes ${Math.round(took)} ms for a recording of the same words`, "model");
}

export const realtimeTurnChecks: readonly Check[] = [
  ...SESSION_INVARIANTS.map((invariant) => define(invariant, (record) => [invariant.look(record)])),
  ...TURN_INVARIANTS.map((invariant) =>
    define(invariant, (record) => requireTurns(record).map((turn) => invariant.look(turn, record))),
  ),
];
