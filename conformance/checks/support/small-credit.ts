/** Spends accounts that can pay for few calls, in several ways. It says what came of it and judges nothing. */

import { setTimeout as sleep } from "node:timers/promises";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { assume, expectJsonObject, expectResponse, requireSuccess } from "../../src/expect.ts";
import { chatChunks } from "../../src/expect-stream.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { bodyText } from "../../src/response-body.ts";
import type { KeyName } from "../../src/target.ts";
import {
  askChat,
  type ChatFields,
  composeChat,
  LONG_PROMPT,
  readUsage,
  streamChat,
  userMessage,
} from "./chat-calls.ts";
import { requireError, requireRefusal, requireStatus } from "./envelope.ts";
import { answerOwners, OWNERS } from "./owners.ts";

/** What each is refused for, and may not be paid with. */
const REFUSED: readonly ChatFields[] = [
  { messages: [] },
  { messages: "Say hello." },
  { model: "conformance-no-such-model" },
  { stream: true, messages: [] },
];
const EMPTY = "the account of `small_credit` is empty: each run needs it anew";
const UNREADABLE = ["null", "[]", '{"messages":', ""];

/** Calls beyond what the account can pay for. */
const SURPLUS = 4;

/**
 * One call, then refused ones, which must cost nothing, then more parallel calls than can be paid for.
 * @throws Inconclusive when the account was spent before, or the model wrote less than a call may cost
 */
export async function spendSmallCredit(context: CheckContext): Promise<number> {
  const { affordableCalls, maxTokens } = context.fixture("small_credit");
  const fields = composeFields(context);
  const ask = (more: ChatFields = {}): Promise<Exchange> => askChat(context, { ...fields, ...more }, "small_credit");
  const first = await ask();
  requireAnswerOrQuota(first);
  if (first.response?.status !== 200) throw new Inconclusive(EMPTY, "fixture");
  for (const wrong of REFUSED) requireRefusal(await ask(wrong));
  const request = { method: "POST", path: "/chat/completions", disconnectAfterMs: context.patienceMs } as const;
  for (const body of UNREADABLE) {
    const refused = await context.wire({ ...request, credential: "small_credit", body });
    assume("an answer to what can't be read", OWNERS.unreadable, () => expectResponse(refused));
    requireRefusal(refused);
  }

  const parallel = await Promise.all(Array.from({ length: affordableCalls - 1 + SURPLUS }, () => ask()));
  const exchanges = [first, ...parallel];
  const answered = exchanges.filter(({ response }) => response?.status === 200);
  for (const exchange of exchanges) requireAnswerOrQuota(exchange);
  const bodies = answered.map((exchange) => assume("JSON", answerOwners(first), () => expectJsonObject(exchange)));
  const written = bodies.map((body) => readUsage(body, OWNERS.chatUsage).completion_tokens);
  if (written.some((tokens) => tokens > maxTokens))
    throw new Inconclusive("`max_tokens` is not kept", OWNERS.chatLimit);
  if (answered.length > affordableCalls && written.some((tokens) => tokens < maxTokens)) {
    throw new Inconclusive("the model ended before `max_tokens`, so that more calls could be paid for", "model");
  }
  return answered.length;
}

/** Streams one answer of all the tokens that a call may have. @throws Inconclusive when it ended before */
export async function streamWhole(context: CheckContext, key: KeyName): Promise<void> {
  const outcome = await streamChat(context, composeFields(context), key);
  requireAnswerOrQuota(outcome.exchange);
  requireSuccess(outcome, answerOwners(outcome.exchange));
  const reasons = chatChunks(outcome.exchange, OWNERS.streamRead).flatMap(({ choices }) =>
    choices.map((choice) => choice["finish_reason"]),
  );
  if (!reasons.includes("length")) throw new Inconclusive("the model ended before `max_tokens`", "model");
}

/** After which a call that was left has been settled for sure. */
const SETTLED_AFTER_MS = 1500;

/**
 * Whether the account can't pay for a whole answer, now and when all that it had begun is settled.
 * @throws Inconclusive for another refusal
 */
export async function isOutOfCredit(context: CheckContext, key: KeyName): Promise<boolean> {
  const isRefused = async (): Promise<boolean> => {
    const exchange = await askChat(context, composeFields(context), key);
    requireAnswerOrQuota(exchange);
    return exchange.response?.status === 429;
  };
  if (!(await isRefused())) return false;
  await sleep(SETTLED_AFTER_MS, undefined, { signal: context.signal });
  return isRefused();
}

/** Enough for some text after the events that have none. */
const LEAVE_AFTER_BYTES = 800;

/**
 * Leaves streams in their middle, one after the other, until the account can't pay for another whole answer: as often
 * as an answer has tokens at most, so that each was paid with less than a token when it never comes to that.
 * @throws Inconclusive when a stream said nothing before it was left
 */
export async function disconnectStreams(
  context: CheckContext,
  key: KeyName,
): Promise<{ readonly count: number; readonly wasRefused: boolean }> {
  const { maxTokens } = context.fixture("small_credit");
  const body = JSON.stringify({ ...composeChat(context, composeFields(context)), stream: true });
  const request = { method: "POST", path: "/chat/completions", credential: key, body };
  for (let count = 0; count < maxTokens; count += 1) {
    const exchange = await context.wire({ ...request, disconnectAfterBytes: LEAVE_AFTER_BYTES });
    requireAnswerOrQuota(exchange);
    if (exchange.response?.status === 429) {
      if (count === 0) throw new Inconclusive(`the account of \`${key}\` is empty: each run needs it anew`, "fixture");
      await sleep(SETTLED_AFTER_MS, undefined, { signal: context.signal });
      const again = await context.wire({ ...request, disconnectAfterBytes: LEAVE_AFTER_BYTES });
      requireAnswerOrQuota(again);
      if (again.response?.status === 429) return { count, wasRefused: true };
    } else if (!/"content": ?"[^"]/.test(bodyText(exchange))) {
      throw new Inconclusive("a stream said nothing before it was left", "model");
    }
  }
  return { count: maxTokens, wasRefused: false };
}

function composeFields(context: CheckContext): ChatFields {
  const { maxTokens } = context.fixture("small_credit");
  return { messages: [userMessage(LONG_PROMPT)], max_tokens: maxTokens };
}

/** Another refusal than for lack of credit would spoil the count. @throws Inconclusive */
function requireAnswerOrQuota(exchange: Exchange): void {
  if (exchange.response?.status === 200) return;
  requireStatus(exchange, 429);
  const { code } = requireError(exchange, 429);
  if (code !== "insufficient_quota")
    throw new Inconclusive(`a call was refused for another reason: ${String(code)}`, OWNERS.quotaCode);
}
