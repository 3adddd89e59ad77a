/** Many calls at the same time, and one look at the rest of the server meanwhile. Nothing here judges. */

import { type CheckContext, defineShared } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { Inconclusive, NotTestable } from "../../src/outcome-signals.ts";
import { askChat, type ChatFields, LONG_PROMPT, userMessage } from "./chat-calls.ts";
import { requireStatus } from "./envelope.ts";
import { OWNERS } from "./owners.ts";

/** So often a usual call is measured: one time on a busy machine says little. */
const USUAL_ATTEMPTS = 3;
/** Calls beyond the slots of the fixture. */
const SURPLUS = 3;
/** Calls of a small burst, which any server should handle. */
export const BURST_CALLS = 16;

/** Requests one after another that take longer than those sent before them take to arrive. */
const ROUND_TRIPS = 3;

const BUSY_STATUSES: readonly number[] = [429, 503];

export interface Overload {
  readonly calls: readonly Exchange[];
  /** Those that were turned away. */
  readonly refused: readonly Exchange[];
  /** `GET /models`, sent after the calls. */
  readonly models: Exchange;
  /** Whether all calls were there at once: the list of models came back several times before the first one ended. */
  readonly metAtOnce: boolean;
  /** How long `GET /models` takes before that, the longest of three. */
  readonly usualMs: number;
}

/** What several checks look at is played once: it takes as long as all answers of a slow model. */
const CHATS = defineShared<Overload>();

function composeBurst(context: CheckContext): ChatFields {
  const { model } = context.fixture("overload");
  return { model, messages: [userMessage(LONG_PROMPT)], max_tokens: 32 };
}

/** That a request of the burst is answered when it is sent alone. @throws Inconclusive */
export async function requireAloneAnswered(context: CheckContext): Promise<void> {
  requireStatus(await askChat(context, composeBurst(context)), 200);
}

/** More chats than the model of the fixture `overload` has slots and lets wait; the same ones for all checks of a run. */
export async function overload(context: CheckContext): Promise<Overload> {
  const fields = composeBurst(context);
  return context.shared(CHATS, () => overloadBy(context, () => askChat(context, fields)));
}

/** More calls than a model of the fixture `overload` has slots and lets wait. */
export async function overloadBy(context: CheckContext, ask: () => Promise<Exchange>): Promise<Overload> {
  const { concurrency, waitingMax } = context.fixture("overload");
  const usualMs = await measureUsual(context);
  let hasEnded = false;
  const calls = Array.from({ length: concurrency + waitingMax + SURPLUS }, async () => {
    const exchange = await ask();
    if (exchange.response?.status === 200) hasEnded = true;
    return exchange;
  });
  const look = async (): Promise<Pick<Overload, "models" | "metAtOnce">> => {
    const models = await listModels(context);
    for (let trip = 1; trip < ROUND_TRIPS; trip += 1) await listModels(context);
    return { models, metAtOnce: !hasEnded };
  };
  // Together: where the run is stopped meanwhile, each of them throws, and an unhandled rejection ends the process.
  const [{ models, metAtOnce }, ended] = await Promise.all([look(), Promise.all(calls)]);
  return { calls: ended, refused: ended.filter(isBusy), models, metAtOnce, usualMs };
}

async function listModels(context: CheckContext): Promise<Exchange> {
  return (await context.sdk((client) => client.models.list())).exchange;
}

async function measureUsual(context: CheckContext): Promise<number> {
  let longestMs = 0;
  for (let attempt = 0; attempt < USUAL_ATTEMPTS; attempt += 1) {
    const { response } = await listModels(context);
    longestMs = Math.max(longestMs, response?.endAtMs ?? 0);
  }
  return longestMs;
}

/** The model of the fixture `overload` for calls of a kind. @throws NotTestable where the recipe names none */
export function requireSlowModel(
  context: CheckContext,
  role: "chat" | "embedding" | "transcription" | "speech",
): string {
  const { model, others } = context.fixture("overload");
  const found = role === "chat" ? model : others?.[role];
  if (found === undefined)
    throw new NotTestable(`the fixture \`overload\` of the target's recipe has no ${role} model`);
  return found;
}

/** What was turned away by an overloaded model. @throws Inconclusive when nothing was */
export async function requireTurnedAway(context: CheckContext): Promise<readonly [Exchange, ...Exchange[]]> {
  const [first, ...others] = (await overload(context)).refused;
  if (first === undefined)
    throw new Inconclusive("no call was turned away, which another check judges", OWNERS.overloadRefused);
  return [first, ...others];
}

/** So many small chats at once as a page of a web application may send. */
export async function sendBurst(context: CheckContext): Promise<readonly Exchange[]> {
  return Promise.all(Array.from({ length: BURST_CALLS }, () => askChat(context, { max_tokens: 1 })));
}

/** 429 or 503: the server has too much to do. */
export function isBusy({ response }: Exchange): boolean {
  return BUSY_STATUSES.includes(response?.status ?? 0);
}
