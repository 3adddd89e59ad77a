/** Calls on what a server has stored for an account: whether it stores anything, and whose it is. Nothing here judges. */

import type OpenAI from "openai";
import type { ChatCompletion, ChatCompletionCreateParamsNonStreaming } from "openai/resources/chat/completions";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectResponse, requireSuccess } from "../../src/expect.ts";
import { NotTestable } from "../../src/outcome-signals.ts";
import { composeSdkChat } from "./chat-calls.ts";

/** How a server says that it has no such operation. */
const ABSENT: readonly number[] = [404, 405, 501];

/** @throws NotTestable where the target stores no chat completions */
export async function requireStoredChats(context: CheckContext): Promise<void> {
  const { status } = expectResponse(await context.wire({ method: "GET", path: "/chat/completions" }));
  if (ABSENT.includes(status)) throw new NotTestable(`the target stores no chat completions: status ${status}`);
}

/** A completion that is stored. @throws NotTestable, Inconclusive */
export async function storeChat(
  context: CheckContext,
  fields: Partial<ChatCompletionCreateParamsNonStreaming> = {},
): Promise<ChatCompletion> {
  await requireStoredChats(context);
  const request = { ...composeSdkChat(context), store: true, ...fields };
  return requireSuccess(await context.sdk((client) => client.chat.completions.create(request)));
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
