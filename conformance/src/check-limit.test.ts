import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { CheckLimit } from "./check-limit.ts";
import { expectStatus } from "./expect.ts";
import { DEFAULT_LIMITS, type RunLimits } from "./limits.ts";
import { planChecks } from "./plan.ts";
import { runChecks } from "./runner.ts";
import { sampleCheck } from "./sample-check.fixture.ts";
import { answerJson, serveForTest } from "./test-server.fixture.ts";

/** Reads one streamed chat to its end through the SDK. */
const reads = sampleCheck({
  async run({ sdk }) {
    const body = { model: "m", messages: [{ role: "user" as const, content: "x" }], stream: true as const };
    const { value, exchange } = await sdk(async (client) => {
      let chunks = 0;
      for await (const _ of await client.chat.completions.create(body)) chunks += 1;
      return chunks;
    });
    expectStatus(exchange, 200);
    expect(value).toBeGreaterThan(0);
  },
});

async function judge(baseUrl: string, limits: Partial<RunLimits>) {
  const target = { baseUrl, keys: {}, models: {} };
  const [result] = await runChecks({ target, plan: planChecks([reads], target), limits: { retriesMax: 0, ...limits } });
  return result;
}

/** A chunk each time, so many of them, of so many characters. */
function serveChunks(everyMs: number, chunks = Infinity, length = 1): Promise<string> {
  const text = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "x".repeat(length) } }] })}\n\n`;
  return serveForTest((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let sent = 0;
    const timer = setInterval(() => {
      sent += 1;
      if (sent > chunks) response.end("data: [DONE]\n\n");
      else response.write(text);
    }, everyMs);
    response.on("close", () => clearInterval(timer));
  });
}

test("a stream that takes longer than the limit is waited for while tokens come", async () => {
  const result = await judge(await serveChunks(100, 20), { checkTimeoutMs: 1000, patienceFactorMax: 20 });
  expect(result).toMatchObject({ outcome: "pass" });
  expect(result?.durationMs).toBeGreaterThan(1000);
});

test("a stream that goes on is given up after its factor, and the option that waits longer is named", async () => {
  const result = await judge(await serveChunks(50), { checkTimeoutMs: 400, patienceFactorMax: 2 });
  expect(result).toMatchObject({ outcome: "inconclusive", inconclusiveCause: "timeout" });
  expect(result?.reason).toBe("no result within 800 ms, though answers came: 2 times --timeout-ms");
});

test("a request to which nothing comes is given up at the limit, and the option is named", async () => {
  const hangs = await serveForTest((request, response) => {
    if (request.method === "GET") answerJson({})(request, response);
  });
  const result = await judge(hangs, { checkTimeoutMs: 300, patienceFactorMax: 100 });
  expect(result?.reason).toBe("nothing came for 300 ms (--timeout-ms)");
});

test("a stream that stops halfway is given up once nothing has come for the limit", async () => {
  const stalls = await serveForTest((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write('data: {"choices":[]}\n\n');
  });
  expect((await judge(stalls, { checkTimeoutMs: 300 }))?.reason).toBe("nothing came for 300 ms (--timeout-ms)");
});

test("a chat that sends more than is recorded and goes on has no end, which is a failure", async () => {
  const result = await judge(await serveChunks(2, Infinity, 5000), { recordedBytesMax: 50_000 });
  expect(result).toMatchObject({ outcome: "fail", expected: "an answer that ends" });
  expect(result?.actual).toBe("more than 50000 bytes, and no end");
});

test("time that a check waits for another one is no silence of the server, and begins again afterwards", async () => {
  const limits = { ...DEFAULT_LIMITS, checkTimeoutMs: 40 };
  const limit = new CheckLimit(limits, new AbortController().signal);
  let isExpired = false;
  const expired = limit.expired.then(() => (isExpired = true));
  const [first, second] = [limit.waitFor(sleep(60)), limit.waitFor(sleep(120))];
  await Promise.all([first, second]);
  expect(isExpired).toBe(false);
  await expired;
});
