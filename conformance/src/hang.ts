/**
 * Distinguishes a request that is never answered from one that takes long: while it hangs, a plain request of the same
 * size is answered in half the time. Without that a check whose time was up says nothing about the server.
 */

import { createCheckContext, PATIENCE_SHARE } from "./create-check-context.ts";
import type { Exchange } from "./exchange.ts";
import { isJsonObject, type JsonObject } from "./expect.ts";
import type { RunLimits } from "./limits.ts";
import { Failure } from "./outcome-signals.ts";
import { type CheckResult, resolveResult } from "./outcome.ts";
import type { Target } from "./target.ts";

export interface HangOptions {
  readonly target: Target;
  readonly limits: Pick<RunLimits, "checkTimeoutMs">;
  /** Ends the plain request; the signal's reason is thrown then. */
  readonly signal: AbortSignal;
}

/** Paths whose requests take a model, and that a plain chat stands for. */
const CHAT_PATHS: readonly string[] = ["/chat/completions", "/completions"];
/** Those that take a model of another kind: how long that takes is not known here. */
const MODEL_PATHS = /^\/(?:embeddings|audio|images|responses|moderations)\b/;
/** A body of more bytes may take longer to read than a plain one. */
const BODY_LENGTH_MAX = 64 * 1024;
const PLAIN_TOKENS = 16;
const PLAIN_TOKENS_MAX = 4096;

/** The result as it has to be: a failure where the server answers others meanwhile, else as it was. */
export async function judgeHang(result: CheckResult, options: HangOptions): Promise<CheckResult> {
  const hung = result.exchanges.findLast(({ response }) => response === null);
  if (result.inconclusiveCause !== "timeout" || hung === undefined || isUnlimited(hung)) return result;
  if (!(await isPlainAnswered(hung, options))) return result;
  const { checkTimeoutMs } = options.limits;
  const actual = `none within ${checkTimeoutMs} ms, while a plain request is answered`;
  const thrown = new Failure({ observer: "wire", expected: "an answer", actual, exchange: hung });
  const { durationMs, exchanges } = result;
  return resolveResult(result.check, { passed: false, thrown, durationMs, exchanges });
}

/** Whether a plain request is answered that takes as much as this one. */
export async function isPlainAnswered({ request }: Exchange, options: HangOptions): Promise<boolean> {
  const { target, limits, signal } = options;
  const path = request.url.slice(target.baseUrl.length).split("?")[0] ?? "";
  const takesModel = CHAT_PATHS.includes(path) && request.method === "POST";
  if (!takesModel && request.method === "POST" && MODEL_PATHS.test(path)) return false;
  if ((request.body?.length ?? 0) > BODY_LENGTH_MAX) return false;
  const { context } = createCheckContext({ target, signal });
  const bounds = { disconnectAfterMs: limits.checkTimeoutMs * PATIENCE_SHARE };
  if (!takesModel) return isAnswered(await context.wire({ method: "GET", path: "/models", ...bounds }));
  const messages = [{ role: "user", content: "Write one sentence about the sea." }];
  const body = JSON.stringify({ model: target.models.chat, messages, max_tokens: countTokens(request.body) });
  return isAnswered(await context.wire({ method: "POST", path: "/chat/completions", body, ...bounds }));
}

/** A request without a limit may take as long as the model's context is: no plain request is like it. */
function isUnlimited({ request }: Exchange): boolean {
  const fields = typeof request.body === "string" ? parseObject(request.body) : {};
  const { messages, prompt, max_tokens: limit, max_completion_tokens: otherLimit } = fields;
  const isSound = Array.isArray(messages) || typeof prompt === "string" || Array.isArray(prompt);
  return isSound && (limit ?? otherLimit ?? null) === null;
}

function isAnswered({ response }: Exchange): boolean {
  return response?.status === 200 && response.end === "clean";
}

/** As many tokens as were asked for, in all choices. */
function countTokens(body: string | Uint8Array | null): number {
  const fields = typeof body === "string" ? parseObject(body) : {};
  const limit = fields["max_completion_tokens"] ?? fields["max_tokens"];
  const each = typeof limit === "number" ? limit : PLAIN_TOKENS;
  const choices = typeof fields["n"] === "number" ? fields["n"] : 1;
  return Math.min(PLAIN_TOKENS_MAX, Math.max(1, Math.ceil(each * choices)));
}

function parseObject(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
