/**
 * WebSockets for responses as checks open them. `require…` leaves the caller inconclusive where another check owns the
 * defect; nothing here judges the target.
 */

import { type CheckContext, type Credential, defineShared } from "../../src/check-context.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Inconclusive, NotTestable } from "../../src/outcome-signals.ts";
import type { RealtimeConnection } from "../../src/realtime-connection.ts";
import { OWNERS } from "./owners.ts";
import { describeConnection } from "./realtime-calls.ts";
import { RESPONSES, type ResponseFields } from "./response-calls.ts";

/** The document has no such connection: clients that use it are few, and most servers lack it. */
export const SOCKET = { ...RESPONSES, level: "should" } as const;

/** A server without it says that soon, or nothing. */
const OFFER_MS_MAX = 10_000;
const OFFER_SHARE = 0.4;

export function openSocket(
  context: CheckContext,
  credential: Credential = "full",
  withinMs = context.patienceMs,
): Promise<RealtimeConnection> {
  return context.realtime({ path: "/responses", query: "", credential, withinMs });
}

/** Why the target has none; null when it has. */
const ABSENCE = defineShared<string | null>();

/**
 * Asked once in a run. A server without it need not know it: whatever it says to an upgrade, or nothing, is no fault.
 *
 * @throws NotTestable when the upgrade is answered by anything but 101
 */
export async function requireSocket(context: CheckContext): Promise<void> {
  const absence = await context.shared(ABSENCE, async () => {
    const withinMs = Math.min(OFFER_MS_MAX, context.patienceMs * OFFER_SHARE);
    const connection = await openSocket(context, "full", withinMs);
    connection.terminate();
    const status = connection.exchange().response?.status;
    if (status === 101) return null;
    if (status === 429) throw new Inconclusive("the upgrade is refused with status 429", "rate-limited");
    const seen = status === undefined ? "no answer" : `status ${status}`;
    return `the target has no WebSocket for responses: ${seen} to a request for an upgrade`;
  });
  if (absence !== null) throw new NotTestable(absence);
}

/** An open connection. @throws NotTestable, Inconclusive */
export async function requireOpen(context: CheckContext): Promise<RealtimeConnection> {
  await requireSocket(context);
  const connection = await openSocket(context);
  if (connection.opened) return connection;
  const by = connection.exchange().response?.status === 429 ? "rate-limited" : OWNERS.responseSocketOpens;
  throw new Inconclusive(`this needs an open connection: ${describeConnection(connection)}`, by);
}

export function composeCreate({ models }: CheckContext, fields: ResponseFields = {}): JsonObject {
  const request = { model: models.chat, input: "Write one sentence about the sea.", max_output_tokens: 16 };
  return { type: "response.create", ...request, ...fields };
}

/** The messages that came of one message, until its end; `end` is null where it has none. */
export interface SocketAnswer {
  readonly events: readonly JsonObject[];
  readonly end: JsonObject | null;
}

const TERMINAL: readonly unknown[] = ["response.completed", "response.incomplete", "response.failed", "error"];

/** Sends one message and waits until its response has ended, it is refused, or the patience is over. */
export async function sendMessage(
  context: CheckContext,
  connection: RealtimeConnection,
  message: object | string,
): Promise<SocketAnswer> {
  const from = connection.events.length;
  connection.send(message);
  const list = (): readonly JsonObject[] => connection.events.slice(from).map(({ value }) => value);
  const find = (): JsonObject | undefined => list().find(({ type }) => TERMINAL.includes(type));
  await connection.until(() => find() !== undefined, context.patienceMs);
  const end = find() ?? null;
  if (end?.["status"] === 429) throw new Inconclusive("the message is refused with status 429", "rate-limited");
  return { events: list(), end };
}

/** The response of an answer that ended well; null for any other. */
export function readEnd({ end }: SocketAnswer): JsonObject | null {
  const hasEnded = end?.["type"] === "response.completed" || end?.["type"] === "response.incomplete";
  return hasEnded && isJsonObject(end["response"]) ? end["response"] : null;
}

/** The first response of a connection, which another check judges. @throws NotTestable, Inconclusive */
export async function requireFirst(
  context: CheckContext,
  fields: ResponseFields = {},
): Promise<{
  readonly connection: RealtimeConnection;
  readonly events: readonly JsonObject[];
  readonly response: JsonObject;
}> {
  const connection = await requireOpen(context);
  const answer = await sendMessage(context, connection, composeCreate(context, fields));
  const response = readEnd(answer);
  if (response !== null) return { connection, events: answer.events, response };
  throw new Inconclusive(`this needs a response: ${describeConnection(connection)}`, OWNERS.responseSocketEnds);
}

const ANSWERS = defineShared<true>();

/** That a connection answers at all, asked once in a run. @throws NotTestable, Inconclusive */
export async function requireAnswering(context: CheckContext): Promise<RealtimeConnection> {
  await context.shared(ANSWERS, async () => {
    const { connection } = await requireFirst(context);
    connection.terminate();
    return true;
  });
  return requireOpen(context);
}
