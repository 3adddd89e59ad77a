/**
 * Realtime sessions as checks open them. `require…` leaves the caller inconclusive where another check owns the defect;
 * nothing here judges the target.
 */

import { type CheckContext, defineShared, type RealtimeRequest } from "../../src/check-context.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Failure, Inconclusive, NotTestable, type Observer, Unsupported } from "../../src/outcome-signals.ts";
import type { RealtimeConnection, ReceivedEvent } from "../../src/realtime-connection.ts";
import { describeExchange, excerpt } from "../../src/response-body.ts";
import { cutAudio, PCM, type RealtimeFormat } from "./realtime-audio.ts";
import { OWNERS } from "./owners.ts";

/** What every check of the area has. */
export const REALTIME = {
  area: "realtime",
  level: "must",
  tier: "protocol",
  operation: "connectRealtime",
  needs: ["model:transcription"],
} as const;

export const TRANSCRIPTION_QUERY = "?intent=transcription";

/** @returns `?model=` with the transcription model of the recipe */
export function modelQuery(context: CheckContext): string {
  return `?${new URLSearchParams({ model: String(context.models.transcription) }).toString()}`;
}

/** A server without realtime says that soon, or nothing. */
const OFFER_MS_MAX = 10_000;
/** Of the patience, for each of two requests. */
const OFFER_SHARE = 0.4;
/** Statuses, without any, of a server that has realtime and is broken: that is no reason to pass over it. */
const BROKEN_STATUSES: readonly number[] = [429, 500, 502, 503, 504];

interface Offer {
  /** Why the target has no realtime; null when it has. */
  readonly absence: string | null;
  /** Whether `session.created` came of itself. */
  readonly begins: boolean;
}

/** Whether the target has realtime */
const OFFER = defineShared<Offer>();

/**
 * Asks once in a run for both kinds of session. A server that knows neither need not know it: whatever it says, or
 * nothing, is no fault.
 *
 * @throws NotTestable when the target has no realtime, Inconclusive when it is broken
 */
export async function requireRealtime(context: CheckContext): Promise<Offer> {
  const offer = await context.shared(OFFER, () => askForRealtime(context));
  if (offer.absence !== null) throw new NotTestable(offer.absence);
  return offer;
}

async function askForRealtime(context: CheckContext): Promise<Offer> {
  const withinMs = Math.min(OFFER_MS_MAX, context.patienceMs * OFFER_SHARE);
  const seen: string[] = [];
  for (const query of [TRANSCRIPTION_QUERY, modelQuery(context)]) {
    const connection = await context.realtime({ query, withinMs });
    const exchange = connection.exchange();
    const status = exchange.response?.status;
    if (status === 101) {
      const created = await connection.waitFor("session.created", { withinMs });
      connection.terminate();
      // A client that can't agree on the upgrade is another matter than a silent server.
      return { absence: null, begins: created !== null || !connection.opened };
    }
    connection.terminate();
    if (status !== undefined && BROKEN_STATUSES.includes(status)) {
      const by = status === 429 ? "rate-limited" : OWNERS.liveOpen;
      throw new Inconclusive(`no session can be opened: ${describeExchange(exchange)}`, by);
    }
    seen.push(status === undefined ? "no answer" : `status ${status}`);
  }
  const answers = [...new Set(seen)].join(", ");
  return { absence: `the target has no realtime: ${answers} to a request for an upgrade`, begins: false };
}

/** Ends the check as failed unless `holds`, with what the connection recorded. @throws Failure */
export function expectOn(
  connection: { exchange(): ReturnType<RealtimeConnection["exchange"]> },
  holds: boolean,
  details: { observer: Observer; expected: string; actual: string | undefined },
): asserts holds {
  if (!holds) throw new Failure({ ...details, exchange: connection.exchange() });
}

/** What came of a request for an upgrade, in a line. */
export function describeConnection(connection: RealtimeConnection): string {
  const exchange = connection.exchange();
  if (exchange.response?.status !== 101) return describeExchange(exchange);
  if (!connection.opened) return `status 101, then ${connection.failure ?? "no end of the handshake"}`;
  const types = connection.events.map(({ value }) => String(value["type"]));
  const end = connection.closure === null ? "" : `, closed with ${connection.closure.code}`;
  return `an open connection, events: ${types.length === 0 ? "none" : excerpt(types.join(", "))}${end}`;
}

/**
 * A session that has begun, of a target that has realtime. Default: for transcription, through the bare wire.
 *
 * @throws NotTestable, Inconclusive
 */
export async function openSession(
  context: CheckContext,
  request: Partial<RealtimeRequest> = {},
): Promise<RealtimeConnection> {
  const { begins } = await requireRealtime(context);
  if (!begins) throw new Inconclusive("this needs session.created, which another check judges", OWNERS.liveCreated);
  const connection = await context.realtime({ query: TRANSCRIPTION_QUERY, ...request });
  if (!connection.opened)
    throw new Inconclusive(`this needs a session: ${describeConnection(connection)}`, OWNERS.liveOpen);
  const created = await connection.waitFor("session.created", { withinMs: context.patienceMs });
  if (created === null)
    throw new Inconclusive(`this needs session.created: ${describeConnection(connection)}`, OWNERS.liveCreated);
  return connection;
}

export interface Configuration {
  /** Default: transcription. */
  readonly type?: "transcription" | "realtime";
  /** Default: none, so that turns end by a commit. */
  readonly detection?: JsonObject | null;
  readonly format?: RealtimeFormat;
}

/** A `session.update` as current clients send it. */
export function composeUpdate(context: CheckContext, options: Configuration = {}): JsonObject {
  const { type = "transcription", detection = null, format = PCM } = options;
  const transcription = { model: String(context.models.transcription) };
  return {
    type: "session.update",
    session: { type, audio: { input: { format: format.format, transcription, turn_detection: detection } } },
  };
}

/** A `session.update` of a transcription session's input. */
export function composeInput(input: JsonObject): JsonObject {
  return { type: "session.update", session: { type: "transcription", audio: { input } } };
}

/** Of VAD: what the documented default is, with pauses that are those of people. */
export const SERVER_VAD = {
  type: "server_vad",
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 500,
} as const;

/** What a `session.update` came to: the echo, or the error. */
export async function sendUpdate(
  context: CheckContext,
  connection: RealtimeConnection,
  update: JsonObject,
): Promise<{ readonly session: JsonObject | null; readonly error: JsonObject | null }> {
  const from = connection.events.length;
  connection.send(update);
  const find = (type: string): JsonObject | undefined =>
    connection.events.slice(from).find(({ value }) => value["type"] === type)?.value;
  await connection.until(() => (find("session.updated") ?? find("error")) !== undefined, context.patienceMs);
  const session = find("session.updated")?.["session"];
  const error = find("error")?.["error"];
  return { session: isJsonObject(session) ? session : null, error: isJsonObject(error) ? error : null };
}

/** The effective session, where another check owns that the update is accepted. @throws Inconclusive */
export async function requireUpdated(
  context: CheckContext,
  connection: RealtimeConnection,
  update: JsonObject,
): Promise<JsonObject> {
  const { session, error } = await sendUpdate(context, connection, update);
  if (session !== null) return session;
  const reason = error === null ? describeConnection(connection) : JSON.stringify(error);
  throw new Inconclusive(`this needs a session that can be configured: ${excerpt(reason)}`, OWNERS.liveUpdated);
}

/** Whether a session can be configured */
const CONFIGURABLE = defineShared<boolean>();

/** Asked once in a run. @throws NotTestable, Inconclusive */
export async function requireConfigurable(context: CheckContext): Promise<void> {
  const isConfigurable = await context.shared(CONFIGURABLE, async () => {
    const connection = await openSession(context);
    const { session } = await sendUpdate(context, connection, composeUpdate(context));
    connection.terminate();
    return session !== null;
  });
  if (!isConfigurable)
    throw new Inconclusive("this needs session.updated, which another check judges", OWNERS.liveUpdated);
}

/** A session for transcription whose turns end by a commit, or as told. @throws NotTestable, Inconclusive */
export async function openConfigured(
  context: CheckContext,
  options: Configuration = {},
  request: Partial<RealtimeRequest> = {},
): Promise<RealtimeConnection> {
  await requireConfigurable(context);
  const query = options.type === "realtime" ? modelQuery(context) : TRANSCRIPTION_QUERY;
  const connection = await openSession(context, { query, ...request });
  await requireUpdated(context, connection, composeUpdate(context, options));
  return connection;
}

/** An `input_audio_buffer.append` for each piece. */
export function sendAudio(connection: RealtimeConnection, audio: Uint8Array, format: RealtimeFormat = PCM): void {
  for (const piece of cutAudio(audio, format)) connection.send({ type: "input_audio_buffer.append", audio: piece });
}

export function sendCommit(connection: RealtimeConnection): void {
  connection.send({ type: "input_audio_buffer.commit" });
}

export const COMPLETED = "conversation.item.input_audio_transcription.completed";
export const FAILED = "conversation.item.input_audio_transcription.failed";
export const DELTA = "conversation.item.input_audio_transcription.delta";

/** Turns that have ended either way, or were refused. */
export function countEnds(events: readonly ReceivedEvent[]): number {
  return events.filter(({ value: { type } }) => type === COMPLETED || type === FAILED).length;
}

/** Waits until so many turns have ended. */
export function awaitEnds(connection: RealtimeConnection, count: number, withinMs: number): Promise<boolean> {
  return connection.until(() => countEnds(connection.events) >= count, withinMs);
}

/** Whether a clear is answered */
const CLEARABLE = defineShared<boolean>();

/** Asked once in a run: the answer to a `clear` says of all else that it has been answered. @throws Inconclusive */
async function requireClearable(context: CheckContext): Promise<void> {
  const isClearable = await context.shared(CLEARABLE, async () => {
    const connection = await openSession(context);
    const answered = await isCleared(context, connection);
    connection.terminate();
    return answered;
  });
  if (!isClearable)
    throw new Inconclusive("this needs input_audio_buffer.cleared, which another check judges", OWNERS.liveCleared);
}

/**
 * Sends a `clear` and waits for its `cleared`: all that came before it has been answered then, and the session lives.
 *
 * @throws Inconclusive where no session answers a `clear`
 */
export async function isAlive(context: CheckContext, connection: RealtimeConnection): Promise<boolean> {
  await requireClearable(context);
  return isCleared(context, connection);
}

export async function isCleared(context: CheckContext, connection: RealtimeConnection): Promise<boolean> {
  const from = connection.events.length;
  connection.send({ type: "input_audio_buffer.clear" });
  const cleared = await connection.waitFor("input_audio_buffer.cleared", { from, withinMs: context.patienceMs });
  return cleared !== null;
}

/** The errors among these. */
export function errorsOf(events: readonly ReceivedEvent[]): readonly JsonObject[] {
  return events.filter(({ value }) => value["type"] === "error").map(({ value }) => value);
}

/** Ends the check as unsupported where the error names one of these words. */
export function throwIfRefused(error: JsonObject | null, ...words: readonly string[]): void {
  if (error === null) return;
  const text = `${String(error["param"])} ${String(error["message"])}`;
  const named = words.find((word) => text.includes(word));
  if (named !== undefined) throw new Unsupported(`the target refused \`${named}\`: ${excerpt(text)}`);
}
