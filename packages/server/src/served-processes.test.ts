/** `openai-compat serve` with models in processes of their own: however the server ends, they end with it, and not before their answers. */

import { setTimeout as wait } from "node:timers/promises";
import path from "node:path";
import { randomModelByteToken, writeRandomModel } from "@openai-compat/engines/testing";
import { expect, test, vi } from "vitest";
import { createTestDirectory, mintAccountToken, startServeProcess } from "./testing/serve-process.ts";
import type { ServeProcess } from "./testing/serve-process.ts";

const TOKENS = 700;
/** Takes seconds on any machine. */
const TOKENS_MANY = 7_500;
const CONTEXT_TOKENS = 8_192;

/** A server with two models, each of which has begun to answer. */
async function startAnswering(tokens = TOKENS) {
  const dataDirectory = createTestDirectory();
  const model = path.join(dataDirectory, "random.gguf");
  await writeRandomModel(model, { trainedContextTokens: CONTEXT_TOKENS });
  const engine = { kind: "llama" as const, model, contextTokens: CONTEXT_TOKENS, concurrency: 2 };
  const models = [
    { id: "one", engine },
    { id: "two", engine },
  ];
  const server = await startServeProcess({ dataDirectory, models }, { ownGroup: process.platform !== "win32" });
  const token = await mintAccountToken("ada");
  // Both are loaded before one is asked for a long answer.
  for (const { whole } of await Promise.all(models.map(({ id }) => chat(server, token, { model: id, tokens: 2 }))))
    await whole;
  const answers = await Promise.all(models.map(({ id }) => chat(server, token, { model: id, tokens })));
  const readPids = () => [...server.log().matchAll(/"pid":(\d+),.*"model loaded"/g)].map(([, pid]) => Number(pid));
  await vi.waitFor(() => expect(readPids(), server.log()).toHaveLength(2), { timeout: 30_000 });
  const pids = readPids();
  for (const pid of pids) expect(isAlive(pid)).toBe(true);
  return { server, answers, pids };
}

interface Asked {
  readonly model: string;
  readonly tokens: number;
}

/** @returns all of its answer, once its first text has come. */
async function chat(server: ServeProcess, token: string, { model, tokens }: Asked) {
  const body = {
    model,
    stream: true,
    max_tokens: tokens,
    temperature: 0,
    messages: [{ role: "user", content: "hello" }],
    // Without the full stop the model never ends by itself.
    logit_bias: { [randomModelByteToken(0x2e)]: -100 },
    stream_options: { include_usage: true },
  };
  const response = await fetch(`${server.baseUrl}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const begun = Promise.withResolvers<void>();
  const read = async () => {
    const decoder = new TextDecoder();
    let text = "";
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(bytes, { stream: true });
      if (/"content":"[^"]/.test(text)) begun.resolve();
    }
    return text;
  };
  const whole = read().catch(() => "cut");
  await Promise.race([begun.promise, whole]);
  return { whole };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function untilEnded(pids: readonly number[]): Promise<void> {
  await vi.waitUntil(() => !pids.some(isAlive), { timeout: 5000, interval: 50 });
}

const SIGNALS = [
  ["SIGTERM", "process"],
  ["SIGINT", "group"],
] as const;

test.skipIf(process.platform === "win32").each(SIGNALS)(
  "%s for its %s lets all answers end, then the server exits and no process of a model is left",
  async (signal, receiver) => {
    const { server, answers, pids } = await startAnswering();
    expect(await server.end(signal, receiver)).toBe(0);
    for (const { whole } of answers) {
      const text = await whole;
      expect(text).toContain(`"completion_tokens":${TOKENS}`);
      expect(text).toMatch(/data: \[DONE\]\n\n$/);
    }
    expect(pids.filter(isAlive)).toEqual([]);
    expect(server.log()).not.toContain("process of a model lost");
  },
);

test.skipIf(process.platform === "win32")("a second signal ends the server and the processes at once", async () => {
  const { server, answers, pids } = await startAnswering(TOKENS_MANY);
  const ended = server.end("SIGTERM");
  await wait(100);
  expect(await Promise.all([ended, server.end("SIGTERM")])).toEqual([143, 143]);
  expect(await Promise.all(answers.map(({ whole }) => whole))).toHaveLength(2);
  await untilEnded(pids);
});

test("a server that is killed leaves no process of a model behind", async () => {
  const { server, pids } = await startAnswering();
  await server.kill();
  await untilEnded(pids);
});
