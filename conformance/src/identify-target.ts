/**
 * The preflight: is there something at the base URL that talks like an OpenAI API? Four requests at most, each with its
 * own time limit, so that a target which hangs or is something else costs seconds and not the whole run.
 */

import { createCheckContext } from "./create-check-context.ts";
import type { Exchange } from "./exchange.ts";
import { isUnreachable } from "./exchange-recording.ts";
import { isJsonObject, type JsonObject } from "./expect.ts";
import type { RunLimits } from "./limits.ts";
import { bodyText, describeExchange } from "./response-body.ts";
import type { Target } from "./target.ts";
import type { WireRequest } from "./check-context.ts";

export type Identification =
  | {
      readonly identified: true;
      /** As `GET /models` lists them; empty when it lists none. */ readonly modelIds: readonly string[];
    }
  | {
      readonly identified: false;
      /** What is wrong and what to do, in a line. */
      readonly reason: string;
      /** What was answered, an exchange each. */
      readonly details: readonly string[];
    };

/** A body for the preflight: 1 MiB of a list of models is more than any server has. */
const PREFLIGHT_BYTES_MAX = 1024 * 1024;

/** Statuses that say who we are is the trouble: without being let in, nothing can be judged. */
const REFUSED: readonly number[] = [401, 403];

/** Never rejects because of the target; a stopped run identified nothing. */
export async function identifyTarget(
  target: Target,
  limits: Pick<RunLimits, "preflightTimeoutMs">,
  signal: AbortSignal,
): Promise<Identification> {
  try {
    return await probe(target, limits, signal);
  } catch (error) {
    if (signal.aborted) {
      return { identified: false, reason: "The run was stopped before the target was identified.", details: [] };
    }
    throw error;
  }
}

async function probe(
  target: Target,
  limits: Pick<RunLimits, "preflightTimeoutMs">,
  signal: AbortSignal,
): Promise<Identification> {
  const { context } = createCheckContext({ target, signal, recordedBytesMax: PREFLIGHT_BYTES_MAX });
  const bounds = { disconnectAfterMs: limits.preflightTimeoutMs, disconnectAfterBytes: PREFLIGHT_BYTES_MAX };
  const models = await context.wire({ method: "GET", path: "/models", ...bounds });
  if (isUnreachable(models) || models.response === null)
    return { identified: false, reason: describeDead(target, models), details: [] };
  const list = readJsonObject(models);
  const details = [`GET /models: ${describeExchange(models)}`];
  const isRefused = REFUSED.includes(models.response.status);
  const isList = Array.isArray(list["data"]) || list["object"] === "list";
  // An API that knows no such path says so in its own envelope: that alone does not make this its base URL.
  const isNotServedHere = !isList && !isRefused && models.response.end !== "open";
  if (isNotServedHere && (await isServedBelowV1(target, bounds, signal))) {
    const reason = `${target.baseUrl} is not an OpenAI API. ${target.baseUrl}/v1 is one: use it.`;
    return { identified: false, reason, details };
  }
  if (looksLikeOpenAi(list) && !isRefused) return { identified: true, modelIds: readModelIds(list) };
  if (models.response.end === "open") return { identified: false, reason: describeDead(target, models), details: [] };

  // A server whose list of models is broken or absent is still worth judging when it refuses an empty chat request as
  // the API does: `{"error": …}`.
  const chat = await context.wire({ method: "POST", path: "/chat/completions", body: "{}", ...bounds });
  if (isRefused && REFUSED.includes(chat.response?.status ?? 0)) {
    return { identified: false, reason: describeRefusal(target), details };
  }
  if (looksLikeOpenAi(readJsonObject(chat))) return { identified: true, modelIds: readModelIds(list) };
  return {
    identified: false,
    reason: `${target.baseUrl} is not an OpenAI API.${target.baseUrl.endsWith("/v1") ? "" : " Does its URL end in /v1?"}`,
    details: [...details, `POST /chat/completions: ${describeExchange(chat)}`],
  };
}

/** The mistake that most people make: the base URL of the SDKs ends in `/v1`. */
async function isServedBelowV1(
  target: Target,
  bounds: Pick<WireRequest, "disconnectAfterMs" | "disconnectAfterBytes">,
  signal: AbortSignal,
): Promise<boolean> {
  if (target.baseUrl.endsWith("/v1")) return false;
  const longer = { ...target, baseUrl: `${target.baseUrl}/v1` };
  const { context } = createCheckContext({ target: longer, signal, recordedBytesMax: PREFLIGHT_BYTES_MAX });
  const models = await context.wire({ method: "GET", path: "/models", ...bounds });
  const { status = 0 } = models.response ?? {};
  return (status === 200 || REFUSED.includes(status)) && looksLikeOpenAi(readJsonObject(models));
}

function describeRefusal(target: Target): string {
  const advice =
    target.keys.full === undefined
      ? "No key was given: pass --api-key or set OPENAI_API_KEY."
      : "Is the key right? It has to be one that may do everything.";
  return `${target.baseUrl} turns us away. ${advice}`;
}

function describeDead(target: Target, exchange: Exchange): string {
  const advice = isUnreachable(exchange) ? " Is the server running, and is this its port?" : "";
  return `Nothing at ${target.baseUrl} answered GET /models: ${describeExchange(exchange)}.${advice}`;
}

function readJsonObject(exchange: Exchange): JsonObject {
  try {
    const value: unknown = JSON.parse(bodyText(exchange));
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

function looksLikeOpenAi(body: JsonObject): boolean {
  return Array.isArray(body["data"]) || body["object"] === "list" || "error" in body;
}

function readModelIds(list: JsonObject): string[] {
  const { data } = list;
  if (!Array.isArray(data)) return [];
  return data.flatMap((model: unknown) => (isJsonObject(model) && typeof model["id"] === "string" ? model["id"] : []));
}
