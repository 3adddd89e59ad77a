/**
 * Upstreams for a suite that work, each with a habit that servers with OpenAI's API have: below a path that names it.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";

export const HABITS = ["compressed", "late-usage", "zero-usage", "unfinished"] as const;
export type Habit = (typeof HABITS)[number];

/** @returns null for a path of no habit */
export function findHabit(url: string | undefined): Habit | null {
  return HABITS.find((habit) => url?.startsWith(`/${habit}/`) === true) ?? null;
}

const SAID = "The sea is deep.";
const COUNTED = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 };
const ZEROS = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
const BASE = { id: "chatcmpl-habit", created: 1, model: "habitual" };

/** Answers a chat, streamed or not. */
export async function answerByHabit(habit: Habit, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const isStream = /"stream":\s*true/.test(await text(incoming));
  const body = isStream ? encodeStream(habit) : JSON.stringify(encodeCompletion(habit));
  outgoing.setHeader("content-type", isStream ? "text/event-stream" : "application/json");
  if (habit === "compressed") outgoing.setHeader("content-encoding", "gzip").end(gzipSync(body));
  else outgoing.end(body);
}

function encodeCompletion(habit: Habit): object {
  const message = { role: "assistant", content: SAID };
  const usage = habit === "zero-usage" ? ZEROS : COUNTED;
  return { ...BASE, object: "chat.completion", choices: [{ index: 0, message, finish_reason: "stop" }], usage };
}

function encodeStream(habit: Habit): string {
  const say = (delta: object, reason: string | null, more: object = {}) => ({
    ...BASE,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: reason }],
    ...more,
  });
  const begun = [say({ role: "assistant", content: "" }, null), say({ content: SAID }, null)];
  if (habit === "unfinished") return begun.map(encodeFrame).join("");
  const usage = habit === "zero-usage" ? ZEROS : COUNTED;
  const ending =
    habit === "late-usage"
      ? [say({}, "stop", { usage })]
      : [say({}, "stop"), { ...BASE, object: "chat.completion.chunk", choices: [], usage }];
  return `${[...begun, ...ending].map(encodeFrame).join("")}data: [DONE]\n\n`;
}

function encodeFrame(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
