/**
 * Calls of models whose upstream fails, and what their answers may and must not be. All but `expectOfBreak` judge
 * nothing.
 */

import type { CheckContext, WireRequest } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { DONE, jsonFrames, sseFrames } from "../../src/expect-stream.ts";
import { assume, expectStatus, expectThat, type JsonObject } from "../../src/expect.ts";
import { Failure } from "../../src/outcome-signals.ts";
import { describeExchange } from "../../src/response-body.ts";
import { composeChat } from "./chat-calls.ts";
import { answerOwners } from "./owners.ts";

/** What every check of the area has. */
export const UPSTREAMS = {
  area: "upstreams",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
} as const;

/** What a server may answer when the service behind a model fails. */
export const UPSTREAM_FAILURES: readonly number[] = [500, 502, 503, 504];

/** A stream that broke ends soon; one which is still open after this hangs. */
const HANG_MS = 5000;

/** A stream of the model whose upstream breaks off, past the SDK: it stops where the SDK would wait. */
export function composeBreakingStream(context: CheckContext): WireRequest {
  const body = JSON.stringify({ ...composeChat(context, { model: context.models.upstream_breaks }), stream: true });
  return { method: "POST", path: "/chat/completions", body, disconnectAfterMs: HANG_MS };
}

/**
 * Ends the check as failed unless `holds`; where even a stream of the chat model is not as it should be, that is what
 * is wrong, and another check owns it. @throws Failure, Inconclusive
 */
export async function expectOfBreak(
  context: CheckContext,
  holds: boolean,
  details: ConstructorParameters<typeof Failure>[0],
): Promise<void> {
  if (holds) return;
  const plain = await streamPlain(context);
  assume("a plain stream", answerOwners(plain), () => expectSoundStream(plain));
  throw new Failure(details);
}

/** A stream of the chat model, to its end. */
export async function streamPlain(context: CheckContext, fields: JsonObject = {}): Promise<Exchange> {
  const body = JSON.stringify({ ...composeChat(context, fields), stream: true });
  return context.wire({ method: "POST", path: "/chat/completions", body, disconnectAfterMs: HANG_MS });
}

/** Text, the sentinel and the end, in this order. @throws Failure */
export function expectSoundStream(exchange: Exchange): void {
  const { end } = expectStatus(exchange, 200);
  const data = sseFrames(exchange).flatMap((frame) => frame.data ?? []);
  const isSound = end === "clean" && data.indexOf(DONE) === data.length - 1 && hasText(jsonFrames(exchange));
  expectThat(isSound, { observer: "wire", expected: "text, [DONE] and the end", actual: describeExchange(exchange) });
}

/** Whether some delta holds text. */
export function hasText(frames: readonly JsonObject[]): boolean {
  return /"content":"[^"]/.test(JSON.stringify(frames.map((frame) => frame["choices"])));
}

/** A URL, an IP address, a host with a port, or the name that an operating system gives to a failed connection. */
const ADDRESS =
  /https?:\/\/\S+|\b\d{1,3}(?:\.\d{1,3}){3}\b|\blocalhost\b|\b[\w.-]+:\d{2,5}\b|\bE(?:CONN|HOST|NET|AI_)\w+/i;

/** The part of the text that discloses the upstream's address; undefined when there is none. */
export function findAddress(text: string): string | undefined {
  return ADDRESS.exec(text)?.[0];
}
