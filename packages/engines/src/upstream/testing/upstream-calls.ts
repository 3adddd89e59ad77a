/** Calls for tests of the upstream engine. */

import { MODEL_TYPES, listOperations } from "@openai-compat/core";
import type { UpstreamEngine, UpstreamEvent, UpstreamRequest, UsageUnits } from "@openai-compat/core";
import { onTestFinished } from "vitest";
import { createUpstreamEngine } from "../upstream-engine.ts";
import type { UpstreamEngineSettings } from "../upstream-settings.ts";

export const UPSTREAM_MODEL = "canary-model-7b";
export const OUR_MODEL = "our-model";
export const API_KEY = "sk-canary-key-0123456789";

export const never: AbortSignal = new AbortController().signal;

export function createTestEngine(
  baseUrls: readonly string[],
  settings: Partial<UpstreamEngineSettings> = {},
): UpstreamEngine {
  const engine = createUpstreamEngine({
    baseUrls,
    model: UPSTREAM_MODEL,
    operations: MODEL_TYPES.flatMap(listOperations),
    apiKey: API_KEY,
    ...settings,
  });
  onTestFinished(async () => engine.close());
  return engine;
}

/** A non-streaming chat of five words, except for `overrides`. */
export function upstreamRequest(overrides: Partial<UpstreamRequest> = {}): UpstreamRequest {
  const messages = [{ role: "user", content: "say something of five words" }];
  return {
    operation: "createChatCompletion",
    path: "/chat/completions",
    body: { kind: "json", value: { model: "default", messages, stream: overrides.stream ?? false } },
    outputTokensMax: null,
    stream: false,
    includeUsage: false,
    modelId: OUR_MODEL,
    traceParent: null,
    ...overrides,
  };
}

export interface CollectedAnswer {
  readonly contentType: string;
  readonly text: string;
  readonly usage: UsageUnits;
  readonly events: readonly UpstreamEvent[];
}

/** Runs a call to its end. @throws what the call throws, and when its events come in a wrong order */
export async function collectAnswer(stream: AsyncIterable<UpstreamEvent>): Promise<CollectedAnswer> {
  const events: UpstreamEvent[] = [];
  for await (const event of stream) events.push(event);
  const first = events[0];
  if (first?.type === "upstream-whole" && events.length === 1) {
    const { contentType, bytes, usage } = first;
    return { contentType, text: Buffer.from(bytes).toString("utf8"), usage, events };
  }
  const last = events.at(-1);
  const data = events.slice(1, -1).filter((event) => event.type === "upstream-data");
  if (first?.type !== "upstream-start" || last?.type !== "upstream-end" || data.length !== events.length - 2) {
    throw new Error(`Events in a wrong order: ${events.map(({ type }) => type).join(", ")}`);
  }
  const text = Buffer.concat(data.map(({ bytes }) => bytes)).toString("utf8");
  return { contentType: first.contentType, text, usage: last.usage, events };
}

/** @returns what the promise was rejected with */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error("It did not fail.");
    },
    (thrown: unknown) => thrown,
  );
}

export function chunk(fields: Record<string, unknown>): string {
  return `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: UPSTREAM_MODEL, ...fields })}\n\n`;
}

export function delta(content: string, finishReason: string | null = null): string {
  return chunk({ choices: [{ index: 0, delta: { content }, finish_reason: finishReason }] });
}
