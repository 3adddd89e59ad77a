/** A small SSE client for load: it times each content delta and counts tokens by the server's own usage. */

import { request } from "node:http";
import type { ChatMessage } from "@openai-compat/core";
import type { ServerTarget } from "../local-server.ts";

export interface StreamedChat {
  /** Milliseconds from sending the request to each delta with a text or a part of a call. */
  readonly deltasAtMs: readonly number[];
  /** The first of them; the end of an answer that had none, because the model's first token ended it. */
  readonly firstTokenAtMs: number;
  readonly text: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
}

export interface ChatOptions {
  readonly messages: readonly ChatMessage[];
  readonly tokensMax: number;
  /** Fields of the request beside those that every chat here has. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
  readonly onDelta?: () => void;
}

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string | null; readonly tool_calls?: unknown } }[];
  readonly usage?: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number };
  } | null;
  readonly error?: { readonly message: string };
}

/** Streams one greedy chat to its end. @throws Error on any answer but a complete stream. */
export function streamChat(target: ServerTarget, options: ChatOptions): Promise<StreamedChat> {
  const body = JSON.stringify({
    model: target.model,
    messages: options.messages,
    max_tokens: options.tokensMax,
    temperature: 0,
    stream: true,
    stream_options: { include_usage: true },
    ...options.parameters,
  });
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const deltasAtMs: number[] = [];
    let usage: Chunk["usage"] = null;
    let text = "";
    let pending = "";
    const readEvent = (data: string) => {
      if (data === "[DONE]") {
        resolve({
          deltasAtMs,
          firstTokenAtMs: deltasAtMs[0] ?? performance.now() - startedAt,
          text,
          promptTokens: usage?.prompt_tokens ?? 0,
          completionTokens: usage?.completion_tokens ?? 0,
          cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
        });
        return;
      }
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own server's chunk, checked by its own tests
      const chunk = JSON.parse(data) as Chunk;
      if (chunk.error) reject(new Error(chunk.error.message));
      if (chunk.usage) usage = chunk.usage;
      const { content, tool_calls: calls } = chunk.choices[0]?.delta ?? {};
      text += content ?? "";
      if (content || calls !== undefined) {
        deltasAtMs.push(performance.now() - startedAt);
        options.onDelta?.();
      }
    };
    const sent = request(
      `${target.baseUrl}/chat/completions`,
      {
        method: "POST",
        headers: { authorization: `Bearer ${target.apiKey}`, "content-type": "application/json" },
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
      (response) => {
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          const events = (pending + part).split("\n\n");
          pending = events.pop() ?? "";
          for (const event of events) if (event.startsWith("data: ")) readEvent(event.slice(6));
        });
        response.on("end", () =>
          reject(new Error(`The answer ended early with status ${response.statusCode}: ${pending}`)),
        );
        response.on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}
