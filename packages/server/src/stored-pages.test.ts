/** Pages of large items: each is bounded in bytes, and the SDK's cursors find all of them. */

import type { ChatEngine, GenerationEvent } from "@openai-compat/core";
import { createScriptedEngine } from "@openai-compat/engines";
import OpenAI from "openai";
import { afterAll, expect, test } from "vitest";
import { startTestServer } from "./testing/test-server.ts";

const PAGE_BYTES = 65_536;
const scripted = createScriptedEngine();
/** Has room for all that is sent. */
const engine: ChatEngine = {
  ...scripted,
  limits: { ...scripted.limits, contextTokens: 1_000_000 },
  async prepare(chat, signal) {
    return { ...(await scripted.prepare(chat, signal)), contextTokens: 1_000_000 };
  },
  async *generate(): AsyncGenerator<GenerationEvent, void> {
    yield { type: "generation-start", cachedTokens: 0 };
    yield { type: "text-delta", text: "Deep.", completionTokens: 1 };
    yield { type: "generation-end", finishReason: "stop", completionTokens: 1, reasoningTokens: 0 };
  },
};
const target = await startTestServer({ config: { responses: { pageBytesMax: PAGE_BYTES } }, engine });
afterAll(() => target.server.close());
const client = new OpenAI({ baseURL: target.baseUrl, apiKey: target.keys.key, maxRetries: 0 });

const COUNT = 7;
/** The fourth alone is larger than a page. */
const texts = Array.from({ length: COUNT }, (_, index) => `${index} `.repeat(index === 3 ? 50_000 : 10_000));
const items = texts.map((text) => ({ role: "user" as const, content: text }));

interface WirePage {
  readonly data: readonly { readonly id: string; readonly content?: unknown }[];
  readonly has_more: boolean;
  readonly last_id: string;
}

/** All pages of a list. */
async function readPages(path: string): Promise<readonly WirePage[]> {
  const pages: WirePage[] = [];
  for (let after = ""; ;) {
    const page: WirePage = await client.get(`${path}?order=asc&limit=100${after}`);
    pages.push(page);
    if (!page.has_more) return pages;
    after = `&after=${page.last_id}`;
  }
}

function expectBounded(pages: readonly WirePage[]): void {
  expect(pages.flatMap(({ data }) => data)).toHaveLength(COUNT);
  expect(new Set(pages.flatMap(({ data }) => data.map(({ id }) => id))).size).toBe(COUNT);
  expect(pages.map(({ data }) => data.length)).toEqual([3, 1, 3]);
  for (const page of pages.filter(({ data }) => data.length > 1)) {
    expect(JSON.stringify(page).length).toBeLessThan(PAGE_BYTES + 1000);
  }
}

test("the items of a conversation come in pages of bounded size, and a response reads all of them", async () => {
  const { id } = await client.conversations.create({ items });
  expectBounded(await readPages(`/conversations/${id}/items`));
  const found: unknown[] = [];
  for await (const item of client.conversations.items.list(id, { order: "asc" })) found.push(item);
  expect(found).toHaveLength(COUNT);
  const counting = { model: "scripted", input: "Why?" };
  const { input_tokens: alone } = await client.responses.inputTokens.count(counting);
  const { input_tokens: all } = await client.responses.inputTokens.count({ ...counting, conversation: id });
  expect(all - alone).toBeGreaterThan(texts.join("").split(" ").length - COUNT);
});

test("the input of a response comes in pages of bounded size", async () => {
  const { id } = await client.responses.create({ model: "scripted", input: items, max_output_tokens: 16 });
  expectBounded(await readPages(`/responses/${id}/input_items`));
});

test("stored chats and their messages come in pages of bounded size", async () => {
  const ids: string[] = [];
  const messages = [{ role: "user" as const, content: "0 ".repeat(700) }];
  for (let number = 0; number < 40; number += 1) {
    ids.push((await client.chat.completions.create({ model: "scripted", messages, store: true, max_tokens: 16 })).id);
  }
  const first: WirePage = await client.get("/chat/completions?limit=100");
  expect(first.has_more).toBe(true);
  expect(first.data.length).toBeGreaterThan(1);
  const found: string[] = [];
  for await (const { id } of client.chat.completions.list({ limit: 100 })) found.push(id);
  expect(found).toEqual(ids);
});
