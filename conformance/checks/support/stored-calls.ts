/** Calls on what a server has stored for an account: whether it stores anything, and whose it is. Nothing here judges. */

import type OpenAI from "openai";
import type { ChatCompletion, ChatCompletionCreateParamsNonStreaming } from "openai/resources/chat/completions";
import { type CheckContext, defineShared } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectResponse, requireSuccess } from "../../src/expect.ts";
import { Inconclusive, NotTestable } from "../../src/outcome-signals.ts";
import { composeSdkChat, SHORT_PROMPT, userMessage } from "./chat-calls.ts";
import { OWNERS, answerOwners } from "./owners.ts";

/** How a server says that it has no such operation. */
const ABSENT: readonly number[] = [404, 405, 501];

const STORING = defineShared<true>();

/**
 * That the target stores chat completions, and that each has an id of its own, which other checks judge.
 *
 * @throws NotTestable, Inconclusive
 */
export async function requireStoredChats(context: CheckContext): Promise<void> {
  await context.shared(STORING, async () => {
    const { status } = expectResponse(await context.wire({ method: "GET", path: "/chat/completions" }));
    if (ABSENT.includes(status)) throw new NotTestable(`the target stores no chat completions: status ${status}`);
    const [first, second] = [await makeChat(context), await makeChat(context)];
    if (first.id === second.id) throw new Inconclusive("two completions have one id", OWNERS.chatId);
    return true;
  });
}

/** @throws Inconclusive for an answer that is not what other checks demand */
async function makeChat(
  context: CheckContext,
  fields: Partial<ChatCompletionCreateParamsNonStreaming> = {},
): Promise<ChatCompletion> {
  const request = { ...composeSdkChat(context, { messages: [userMessage(SHORT_PROMPT)] }), ...fields };
  const outcome = await context.sdk((client) => client.chat.completions.create(request));
  const made: Partial<ChatCompletion> = requireSuccess(outcome, answerOwners(outcome.exchange));
  const { id, choices } = made;
  const isWhole = typeof id === "string" && choices?.length === 1 && typeof choices[0]?.message.content === "string";
  if (!isWhole) throw new Inconclusive("a completion is no whole one", OWNERS.chatWhole);
  return { ...made, id, choices } as ChatCompletion;
}

/** A completion that is stored. @throws NotTestable, Inconclusive */
export async function storeChat(
  context: CheckContext,
  fields: Partial<ChatCompletionCreateParamsNonStreaming> = {},
): Promise<ChatCompletion> {
  await requireStoredChats(context);
  return makeChat(context, { store: true, ...fields });
}

/** Of another account than the key `full`. */
export const OTHER_ACCOUNT = "other_account";

/** The same call with the key of another account. */
export async function askAsOther(context: CheckContext, call: (client: OpenAI) => Promise<unknown>): Promise<Exchange> {
  return (await context.sdk(call, { credential: OTHER_ACCOUNT, isRefusable: true })).exchange;
}

/** A label that nothing else in a run has. */
export function uniqueLabel(): string {
  return crypto.randomUUID();
}
