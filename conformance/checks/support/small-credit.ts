/** Spends the account of the key `small_credit`, all at once. It says how many calls were answered and judges nothing. */

import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { assume, expectJsonObject } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { askChat, type ChatFields, LONG_PROMPT, readUsage, userMessage } from "./chat-calls.ts";
import { requireError, requireRefusal, requireStatus } from "./envelope.ts";

/** Calls beyond what the account can pay for. */
const SURPLUS = 4;

/**
 * First refused calls, which must cost nothing, then more parallel calls than can be paid for.
 * @throws Inconclusive when the account was spent before, or the model wrote less than a call may cost
 */
export async function spendSmallCredit(context: CheckContext): Promise<number> {
  const { affordableCalls, maxTokens } = context.fixture("small_credit");
  const fields: ChatFields = { messages: [userMessage(LONG_PROMPT)], max_tokens: maxTokens };
  const ask = (more: ChatFields = {}): Promise<Exchange> => askChat(context, { ...fields, ...more }, "small_credit");
  requireRefusal(await ask({ messages: [] }));
  requireRefusal(await ask({ model: "conformance-no-such-model" }));

  const exchanges = await Promise.all(Array.from({ length: affordableCalls + SURPLUS }, () => ask()));
  const answered = exchanges.filter(({ response }) => response?.status === 200);
  for (const exchange of exchanges) requireAnswerOrQuota(exchange);
  if (answered.length === 0) throw new Inconclusive("the account of `small_credit` is empty: each run needs it anew");
  const bodies = answered.map((exchange) => assume("JSON", () => expectJsonObject(exchange)));
  const written = bodies.map((body) => readUsage(body).completion_tokens);
  if (written.some((tokens) => tokens > maxTokens)) throw new Inconclusive("`max_tokens` is not kept");
  if (answered.length > affordableCalls && written.some((tokens) => tokens < maxTokens)) {
    throw new Inconclusive("the model ended before `max_tokens`, so that more calls could be paid for", "model");
  }
  return answered.length;
}

/** Another refusal than for lack of credit would spoil the count. @throws Inconclusive */
function requireAnswerOrQuota(exchange: Exchange): void {
  if (exchange.response?.status === 200) return;
  requireStatus(exchange, 429);
  const { code } = requireError(exchange, 429);
  if (code !== "insufficient_quota") throw new Inconclusive(`a call was refused for another reason: ${String(code)}`);
}
