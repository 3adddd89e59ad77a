/**
 * What it costs to sample tokens, without what the prompt costs: the same chat is held twice, once for a few tokens and
 * once for many, and what the second took more is put down to the tokens that it has more.
 */

import type { ChatMessage } from "@openai-compat/core";
import { streamChat } from "../chat/chat-client.ts";
import type { ChatServer } from "../chat/chat-subject.ts";
import type { Cost } from "../cost.ts";
import type { OutputFormat } from "./output-formats.ts";

export interface DecodingLoad {
  /** One chat for each, all at once. */
  readonly prompts: readonly (readonly ChatMessage[])[];
  readonly format: OutputFormat;
  /** Of each answer, at most. */
  readonly tokens: number;
}

/** What comes with a first token is in both answers. */
const FEW_TOKENS = 8;
/** An answer that ended earlier says little about its tokens. */
const SHARE_MIN = 0.5;

interface Taken {
  readonly tokens: number;
  readonly elapsedMs: number;
  readonly cpuMs: number;
}

async function runChats({ worker, target }: ChatServer, load: DecodingLoad, tokensMax: number): Promise<Taken> {
  const { parameters } = load.format;
  const cpuBefore = await worker.cpuMs();
  const startedAt = performance.now();
  const chats = await Promise.all(
    load.prompts.map((messages) => streamChat(target, { messages, tokensMax, parameters })),
  );
  const elapsedMs = performance.now() - startedAt;
  const cpuMs = (await worker.cpuMs()) - cpuBefore;
  return { tokens: chats.reduce((sum, { completionTokens }) => sum + completionTokens, 0), elapsedMs, cpuMs };
}

/** @throws Error when the model had done with an answer long before it had so many tokens. */
export async function measureDecoding(server: ChatServer, load: DecodingLoad): Promise<Cost> {
  // Reads the prompts: those of a pair are the same, and neither format shall pay for that.
  await runChats(server, load, FEW_TOKENS);
  const few = await runChats(server, load, FEW_TOKENS);
  const many = await runChats(server, load, load.tokens);
  const tokens = many.tokens - few.tokens;
  if (tokens < SHARE_MIN * (load.tokens - FEW_TOKENS) * load.prompts.length) {
    throw new Error(`${load.format.name}: the answers have ${many.tokens} tokens, too few to measure`);
  }
  return {
    unitsPerSecond: (tokens * 1000) / (many.elapsedMs - few.elapsedMs),
    cpuMsPerUnit: (many.cpuMs - few.cpuMs) / tokens,
  };
}
