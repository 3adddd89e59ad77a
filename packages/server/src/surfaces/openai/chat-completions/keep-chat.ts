/** Stores a chat completion for which `store` was true, before its end is sent. */

import { foldChatEvents } from "@openai-compat/core";
import type { ChatEvent, ChatRun, StoredItem, WireObject, WorkSlices } from "@openai-compat/core";
import type { CreateChatCompletionRequest } from "@openai-compat/spec";
import { resolveUse } from "../stored/state-dependencies.ts";
import type { StateDependencies } from "../stored/state-dependencies.ts";
import { encodeChatCompletion } from "./encode.ts";

export interface KeepChatOptions extends StateDependencies {
  readonly accountId: string;
  readonly wire: CreateChatCompletionRequest;
  readonly hasLogprobs: boolean;
}

/**
 * What an account has no room for is answered, but not stored.
 *
 * @param text of the answer. @throws what the store throws
 */
export async function keepChat(run: ChatRun, text: string, options: KeepChatOptions): Promise<void> {
  const { responses, settings, accountId, wire } = options;
  const answer: WireObject = JSON.parse(text);
  const use = resolveUse(settings, Date.now());
  const messages = wire.messages.map((message, index) => encodeMessage(message, `${run.id}-${index}`));
  const completion = { ...answer, metadata: wire.metadata ?? {} };
  await responses.insertChat({ id: run.id, accountId, createdAtMs: use.nowMs, completion, messages }, use);
}

/** The same events, the last one after the completion is stored. */
export async function* keepEvents(
  run: ChatRun,
  options: KeepChatOptions & { readonly slices: WorkSlices },
): AsyncGenerator<ChatEvent, void> {
  const { hasLogprobs, slices } = options;
  const seen: ChatEvent[] = [];
  for await (const event of run.events) {
    seen.push(event);
    if (event.type === "chat-end") {
      const result = await foldChatEvents(replay(seen));
      await keepChat(run, await encodeChatCompletion(run, result, { hasLogprobs, slices }), options);
    }
    yield event;
  }
}

async function* replay(events: readonly ChatEvent[]): AsyncGenerator<ChatEvent, void> {
  yield* events;
}

/** A message as the list of a completion's messages shows it. */
function encodeMessage(message: CreateChatCompletionRequest["messages"][number], id: string): StoredItem {
  const { content = null } = message;
  const parts = Array.isArray(content) ? content : null;
  const texts = (parts ?? []).flatMap((part) => (part.type === "text" ? [part.text] : []));
  const text = typeof content === "string" ? content : parts === null ? null : texts.join("");
  const name = "name" in message ? (message.name ?? null) : null;
  return { id, item: { ...message, id, content: text, name, content_parts: parts } };
}
