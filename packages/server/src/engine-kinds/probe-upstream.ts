/**
 * Asks an upstream for its models, before one of them is added to a running server. Bounded in time and bytes; redirects
 * are not followed. What it finds is the caller's to know, so it says neither what a server answered nor its addresses.
 */

import { AiError, isRecord } from "@openai-compat/core";
import { PrivateAddressError, lookUpPublicHost, requirePublicHost } from "@openai-compat/engines";
import type { ProbeOptions } from "./engine-kind.ts";

export interface ProbedUpstream {
  readonly baseUrls: readonly string[];
  readonly apiKey: string | null;
  /** The model's name there. */
  readonly model: string;
}

/** For each base URL, all of them side by side. */
const PROBE_TIMEOUT_MS = 10_000;
/** Of a list of models. */
const LIST_BYTES_MAX = 4 * 1024 * 1024;

/** Null: it could not be reached. */
type Answer = { readonly status: number; readonly text: string } | null;

/**
 * One base URL has to answer with the model, and none may answer without it; those that can't be reached are left to the
 * engine, which sends calls to the others.
 *
 * @throws AiError `invalid_value`, with `param` naming the setting
 */
export async function probeUpstream(upstream: ProbedUpstream, options: ProbeOptions): Promise<void> {
  if (upstream.apiKey !== null && !/^[\x21-\x7e]+$/.test(upstream.apiKey)) {
    throw refuse("engine.apiKey", "The API key of an upstream may hold visible ASCII characters only.");
  }
  const answers = await Promise.all(
    upstream.baseUrls.map(async (baseUrl, index) => {
      const param = `engine.baseUrls[${index}]`;
      if (options.publicAddressesOnly) await requirePublic(baseUrl, param);
      const answer = await ask(baseUrl, upstream, options);
      if (answer !== null) checkAnswer(answer, upstream, param);
      return answer;
    }),
  );
  if (answers.some((answer) => answer !== null)) return;
  throw refuse("engine.baseUrls", "No base URL of the upstream could be reached. Each has to end in /v1 as a rule.");
}

async function requirePublic(baseUrl: string, param: string): Promise<void> {
  try {
    await requirePublicHost(new URL(baseUrl).hostname);
  } catch (thrown) {
    if (!(thrown instanceof PrivateAddressError)) throw refuse(param, "The host of this base URL is not known.");
    throw refuse(
      param,
      "This base URL has a private address. Operators may use those, and everybody with the setting native.privateUpstreams.",
    );
  }
}

async function ask(baseUrl: string, { apiKey }: ProbedUpstream, options: ProbeOptions): Promise<Answer> {
  const { Client } = await import("undici");
  const { origin, pathname } = new URL(baseUrl);
  const lookup = options.publicAddressesOnly ? { lookup: lookUpPublicHost } : {};
  const client = new Client(origin, { connect: { timeout: PROBE_TIMEOUT_MS, ...lookup } });
  try {
    const { statusCode, body } = await client.request({
      method: "GET",
      path: `${pathname.replace(/\/+$/, "")}/models`,
      headers: { accept: "application/json", ...(apiKey !== null && { authorization: `Bearer ${apiKey}` }) },
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]),
    });
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of body) {
      if (!(piece instanceof Uint8Array)) break;
      bytes += piece.byteLength;
      if (bytes > LIST_BYTES_MAX) break;
      pieces.push(piece);
    }
    return { status: statusCode, text: bytes > LIST_BYTES_MAX ? "" : Buffer.concat(pieces).toString("utf8") };
  } catch (thrown) {
    options.signal.throwIfAborted();
    if (!(thrown instanceof Error)) throw thrown;
    return null;
  } finally {
    client.destroy().catch(() => {});
  }
}

function checkAnswer({ status, text }: NonNullable<Answer>, { model, apiKey }: ProbedUpstream, param: string): void {
  if (status === 401 || status === 403) {
    const what = apiKey === null ? "asks for an API key" : "refuses the API key";
    throw refuse("engine.apiKey", `The upstream ${what}.`);
  }
  if (status !== 200) throw refuse(param, `GET /models of the upstream has the status ${status} and not 200.`);
  const ids = readIds(text);
  if (ids === null) throw refuse(param, "GET /models of the upstream is no list of models as OpenAI's API has it.");
  if (!ids.includes(model)) {
    throw refuse("engine.model", `The upstream has no model '${model.slice(0, NAME_LENGTH_SHOWN)}' in its list.`);
  }
}

const NAME_LENGTH_SHOWN = 200;

/** @returns null for what is no list */
function readIds(text: string): readonly unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value) || !Array.isArray(value["data"])) return null;
    return value["data"].map((entry) => (isRecord(entry) ? entry["id"] : null));
  } catch {
    // It is no JSON, whatever the parser says of it.
    return null;
  }
}

function refuse(param: string, message: string): AiError {
  return new AiError("invalid_value", message, { param });
}
