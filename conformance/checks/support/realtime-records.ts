/**
 * Sessions that are held once in a run and looked at by many checks: what a client does when all goes well. Nothing here
 * judges; what did not come is missing from the record.
 */

import { type CheckContext, defineShared, type SharedKey } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { hasSdkFeature } from "../../src/official-sdk.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import type { Closure, RealtimeConnection, ReceivedEvent, SdkView } from "../../src/realtime-connection.ts";
import { PCM, SPOKEN_MS, silenceOf } from "./realtime-audio.ts";
import {
  awaitEnds,
  COMPLETED,
  composeUpdate,
  countEnds,
  type Configuration,
  DELTA,
  FAILED,
  modelQuery,
  requireRealtime,
  sendAudio,
  sendCommit,
  SERVER_VAD,
  TRANSCRIPTION_QUERY,
} from "./realtime-calls.ts";
import { OWNERS } from "./owners.ts";

export type RecordName = "manual" | "detected" | "model" | "model-detected";

export interface SessionRecord {
  readonly name: RecordName;
  readonly kind: "transcription" | "realtime";
  readonly isDetected: boolean;
  /** Whether the upgrade succeeded. */
  readonly opened: boolean;
  /** Turns that the client spoke. */
  readonly spoken: number;
  readonly events: readonly ReceivedEvent[];
  readonly sdk: SdkView;
  readonly closure: Closure | null;
  exchange(): Exchange;
}

interface Script extends Configuration {
  readonly name: RecordName;
  readonly turns: number;
  readonly throughSdk: boolean;
}

const SCRIPTS: readonly (Script & { readonly key: SharedKey<SessionRecord> })[] = [
  { name: "manual", turns: 2, throughSdk: true, key: defineShared() },
  { name: "detected", turns: 2, throughSdk: false, detection: SERVER_VAD, key: defineShared() },
  { name: "model", type: "realtime", turns: 1, throughSdk: true, key: defineShared() },
  {
    name: "model-detected",
    type: "realtime",
    turns: 1,
    throughSdk: false,
    detection: { ...SERVER_VAD, create_response: false, interrupt_response: false },
    key: defineShared(),
  },
];

/** So long a closing handshake may take in any case. */
const CLOSE_MS = 4000;
/** Of the patience. */
const HASTE = 0.1;

/** Before somebody speaks, and after. */
export const LEAD_MS = 600;
export const PAUSE_MS = 1500;
/** Where the speech of each detected turn begins in all of the audio. */
export const TURN_MS = SPOKEN_MS + PAUSE_MS;

/** @throws NotTestable, Inconclusive */
export async function recordOf(context: CheckContext, name: RecordName): Promise<SessionRecord> {
  const record = await playOnce(context, name);
  if (record.opened) return record;
  throw new Inconclusive(
    `this needs a session, which another check judges: ${describeRecord(record)}`,
    OWNERS.liveOpen,
  );
}

async function playOnce(context: CheckContext, name: RecordName): Promise<SessionRecord> {
  await requireRealtime(context);
  const script = SCRIPTS.find((candidate) => candidate.name === name);
  if (script === undefined) throw new Error(`There is no script ${name}.`);
  return context.shared(script.key, () => play(context, script));
}

/** All that could be opened, one after the other. @throws NotTestable, Inconclusive */
export async function everyRecord(context: CheckContext): Promise<readonly SessionRecord[]> {
  const records: SessionRecord[] = [];
  for (const { name } of SCRIPTS) records.push(await playOnce(context, name));
  const opened = records.filter((record) => record.opened);
  if (opened.length === 0) throw new Inconclusive("this needs a session, which another check judges", OWNERS.liveOpen);
  return opened;
}

/** That a turn of a session in which all goes well is transcribed, which another check owns. @throws Inconclusive */
export async function requireTranscribed(context: CheckContext): Promise<void> {
  const record = await recordOf(context, "manual");
  const completed = record.events.filter(({ value }) => value["type"] === COMPLETED).length;
  if (completed >= record.spoken) return;
  throw new Inconclusive(
    `this needs completed turns, which another check judges: ${describeRecord(record)}`,
    OWNERS.liveCompleted,
  );
}

/** Where the first session came to nothing, the others are not waited for as long. */
async function patienceFor(context: CheckContext, name: RecordName): Promise<number> {
  if (name === "manual") return context.patienceMs;
  const first = await playOnce(context, "manual");
  const isComplete = !first.opened || countEnds(first.events) >= first.spoken;
  return isComplete ? context.patienceMs : context.patienceMs * HASTE;
}

async function play(context: CheckContext, script: Script): Promise<SessionRecord> {
  const { name, turns, throughSdk, type: kind = "transcription", detection = null } = script;
  const query = kind === "realtime" ? modelQuery(context) : TRANSCRIPTION_QUERY;
  const { begins } = await requireRealtime(context);
  const deadline = performance.now() + (await patienceFor(context, name));
  const left = (): number => Math.max(0, deadline - performance.now());
  // An SDK that opens no session by intent still gets to see the session of a model.
  const canOpen = kind === "realtime" || hasSdkFeature(context.officialSdk, "realtime-intent");
  const connection = await context.realtime({ query, throughSdk: throughSdk && canOpen });
  if (begins) await connection.waitFor("session.created", { withinMs: left() });
  connection.send(composeUpdate(context, script));
  const isAnswered = (): boolean =>
    connection.events.some(({ value: { type } }) => type === "session.updated" || type === "error");
  // Who doesn't answer an update takes no turn as it asks for.
  if (await connection.until(isAnswered, left())) {
    if (detection === null) await speakManually(connection, turns, left);
    else await speakDetected(connection, turns, left);
  }
  connection.close();
  await connection.waitForClosure(Math.max(CLOSE_MS, left()));
  context.signal.throwIfAborted();
  const { opened, events, sdk, closure } = connection;
  const exchange = connection.exchange();
  const isDetected = detection !== null;
  return { name, kind, isDetected, opened, spoken: turns, events, sdk, closure, exchange: () => exchange };
}

/** A pause stands before each commit: a server that looks for it although it must not is found out. */
async function speakManually(connection: RealtimeConnection, turns: number, left: () => number): Promise<void> {
  for (let turn = 1; turn <= turns; turn += 1) {
    sendAudio(connection, PCM.spoken);
    sendAudio(connection, silenceOf(PAUSE_MS));
    sendCommit(connection);
    await awaitEnds(connection, turn, left());
  }
}

async function speakDetected(connection: RealtimeConnection, turns: number, left: () => number): Promise<void> {
  sendAudio(connection, silenceOf(LEAD_MS));
  for (let turn = 1; turn <= turns; turn += 1) {
    sendAudio(connection, PCM.spoken);
    sendAudio(connection, silenceOf(PAUSE_MS));
  }
  await awaitEnds(connection, turns, left());
}

/** All that was said of an item, with the place of each event in the session. */
export interface TurnRecord {
  readonly itemId: string;
  readonly started: Placed | undefined;
  readonly stopped: Placed | undefined;
  readonly committed: Placed | undefined;
  readonly added: Placed | undefined;
  readonly done: Placed | undefined;
  readonly deltas: readonly Placed[];
  /** `completed` or `failed`. */
  readonly ends: readonly Placed[];
}

export interface Placed {
  readonly at: number;
  readonly value: JsonObject;
}

/** In the order of their commits. An event belongs to the item that it names. */
export function turnsOf({ events }: Pick<SessionRecord, "events">): readonly TurnRecord[] {
  const placed = events.map(({ value }, at) => ({ at, value }));
  const ids = placed
    .filter(({ value }) => value["type"] === "input_audio_buffer.committed")
    .map(({ value }) => String(value["item_id"]));
  return [...new Set(ids)].map((itemId) => {
    const own = placed.filter(({ value }) => itemIdOf(value) === itemId);
    const of = (type: string): Placed | undefined => own.find(({ value }) => value["type"] === type);
    return {
      itemId,
      started: of("input_audio_buffer.speech_started"),
      stopped: of("input_audio_buffer.speech_stopped"),
      committed: of("input_audio_buffer.committed"),
      added: of("conversation.item.added"),
      done: of("conversation.item.done"),
      deltas: own.filter(({ value }) => value["type"] === DELTA),
      ends: own.filter(({ value }) => value["type"] === COMPLETED || value["type"] === FAILED),
    };
  });
}

function itemIdOf(event: JsonObject): unknown {
  if (event["item_id"] !== undefined) return event["item_id"];
  const { item } = event;
  return isJsonObject(item) ? item["id"] : undefined;
}

/** That the session was configured, which another check owns. @throws Inconclusive */
export function requireUpdates(record: SessionRecord): void {
  if (record.events.some(({ value }) => value["type"] === "session.updated")) return;
  throw new Inconclusive("this needs session.updated, which another check judges", OWNERS.liveUpdated);
}

/** The turns of a record, where other checks own that there are so many. @throws Inconclusive */
export function requireTurns(record: SessionRecord): readonly TurnRecord[] {
  const turns = turnsOf(record);
  if (turns.length >= record.spoken) return turns;
  throw new Inconclusive(`this needs turns, which other checks judge: ${describeRecord(record)}`, OWNERS.liveTurns);
}

/** The `completed` of a turn, which another check owns. @throws Inconclusive */
export function requireCompleted(record: SessionRecord, turn: TurnRecord): Placed {
  const completed = turn.ends.find(({ value }) => value["type"] === COMPLETED);
  if (completed !== undefined) return completed;
  throw new Inconclusive(
    `this needs a completed transcription, which another check judges: ${describeRecord(record)}`,
    OWNERS.liveCompleted,
  );
}

export function describeRecord({ name, events, closure }: SessionRecord): string {
  const types = events.map(({ value }) => String(value["type"]).replace("conversation.item.", ""));
  return `${name}: ${types.join(", ") || "no event"}${closure === null ? "" : `; closed with ${closure.code}`}`;
}
