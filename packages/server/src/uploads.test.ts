/** Large, slow and incomplete uploads, and their effect on other clients. */

import { connect } from "node:net";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { errorResponseSchema } from "@openai-compat/spec";
import { expect, onTestFinished, test, vi } from "vitest";
import type { ConfigInput } from "./config.ts";
import { startTestServer } from "./testing/test-server.ts";

const MIB = 1024 * 1024;

async function start(config: ConfigInput = {}) {
  const running = await startTestServer({ config });
  onTestFinished(() => running.server.close());
  const { baseUrl, keys } = running;
  const post = (key: string, body: string, path = "chat/completions") =>
    fetch(`${baseUrl}/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body,
    });
  /** Announces a body and sends only the beginning of it. */
  const announce = async (key: string, announced: number, sent: number) => {
    const socket = connect(Number(new URL(baseUrl).port), "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    let answer = "";
    socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
    socket.on("error", () => {});
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\n`;
    await write(socket, `${head}content-type: application/json\r\ncontent-length: ${announced}\r\n\r\n`);
    if (sent > 0) await write(socket, " ".repeat(sent));
    return { socket, answer: () => answer };
  };
  /** What is announced is looked at and takes nothing, so asking does not change what is asked. */
  const untilFull = (key: string) =>
    vi.waitFor(
      async () => {
        const { socket, answer } = await announce(key, MIB, 0);
        await delay(20);
        socket.destroy();
        expect(answer()).toMatch(/^HTTP\/1\.1 429 /);
      },
      { timeout: 10_000 },
    );
  return { ...running, post, announce, untilFull, other: await keys.mintFor("bob") };
}

async function write(socket: Socket, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.write(text, () => {
      socket.off("error", reject);
      resolve();
    });
  });
}

const chatOf = (bytes: number) => {
  const request = (content: string) =>
    JSON.stringify({ model: "default", max_tokens: 1, messages: [{ role: "user", content }] });
  return request("x".repeat(Math.max(0, bytes - request("").length)));
};

test("bodies that are announced and never sent cause no refusals", async () => {
  const { announce, post, keys, other } = await start();
  const idle = await Promise.all(Array.from({ length: 20 }, () => announce(keys.key, 32 * MIB, 0)));
  for (const key of [other, keys.key]) {
    expect((await post(key, chatOf(60))).status).toBe(200);
    // Too long for the model: it was read.
    const large = await post(key, chatOf(MIB));
    expect(errorResponseSchema.parse(await large.json()).error.code).toBe("context_length_exceeded");
  }
  expect(idle.map(({ answer }) => answer())).toEqual(idle.map(() => ""));
});

test("an account at its share is refused whatever key it uses, and others are served up to theirs", async () => {
  const limits = { bodyBytesMax: 2 * MIB, accountBodiesBytesMax: 4 * MIB, bodiesBytesMax: 16 * MIB };
  const { announce, untilFull, post, keys, other } = await start({ limits });
  await announce(keys.key, 2 * MIB, 2 * MIB - 1);
  await announce(keys.token, 2 * MIB, 2 * MIB - 1);
  await untilFull(keys.token);
  const refused = await post(keys.token, chatOf(MIB));
  expect(refused.status).toBe(429);
  expect(errorResponseSchema.parse(await refused.json()).error.code).toBe("rate_limit_exceeded");
  expect((await post(keys.key, chatOf(60))).status).toBe(200);
  const largest = await post(other, chatOf(2 * MIB));
  expect(errorResponseSchema.parse(await largest.json()).error.code).toBe("context_length_exceeded");
});

test("an account gets its share back when its client disconnects", async () => {
  const limits = { bodyBytesMax: MIB, accountBodiesBytesMax: MIB };
  const { announce, untilFull, post, keys } = await start({ limits });
  const { socket } = await announce(keys.key, MIB, MIB - 1);
  await untilFull(keys.key);
  socket.destroy();
  await vi.waitFor(async () => expect((await post(keys.key, chatOf(MIB))).status).toBe(400), { timeout: 10_000 });
});

test("a body that stands still is given up before its time is over", async () => {
  const { announce, keys } = await start({ limits: { bodyStallTimeoutMs: 100, bodyTimeoutMs: 60_000 } });
  const { answer } = await announce(keys.key, 1000, 10);
  await vi.waitFor(() => expect(answer()).toMatch(/^HTTP\/1\.1 408 [^]*Nothing of the request body arrived/));
});

test("after so many refused bodies an account's bodies are not read any more, and other accounts' are", async () => {
  const { post, keys, other } = await start({ rateLimits: { refusalsPerMinute: 3 } });
  const refused = [await post(keys.key, "{"), await post(keys.token, "{}"), await post(keys.key, "[]", "completions")];
  expect(refused.map(({ status }) => status)).toEqual([400, 400, 400]);
  for (const [key, path] of [
    [keys.key, "chat/completions"],
    [keys.token, "completions"],
  ] as const) {
    const limited = await post(key, chatOf(60), path);
    expect(limited.status).toBe(429);
    expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(50);
    expect(errorResponseSchema.parse(await limited.json()).error.message).toMatch(
      /refused requests per minute: Limit 3/,
    );
  }
  expect((await post(other, chatOf(60))).status).toBe(200);
});

test("an account may have a limit of refused requests of its own", async () => {
  const { post, keys } = await start({
    rateLimits: { refusalsPerMinute: 1, accounts: { ada: { refusalsPerMinute: null } } },
  });
  for (let call = 0; call < 5; call += 1) expect((await post(keys.key, "{")).status).toBe(400);
});
