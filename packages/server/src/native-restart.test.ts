/**
 * Subscriptions that lose their connection or their server, by the links of `@trpc/client` as they are: no text is lost
 * and none repeated, or an error says that it can't go on. Never silence.
 */

import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { createScriptedEngine } from "@openai-compat/engines";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { ConfigInput } from "./config.ts";
import { startCuttingProxy } from "./testing/cutting-proxy.ts";
import { openEventClient, openSocketClient } from "./testing/native-client.ts";
import type { NativeClient } from "./testing/native-client.ts";
import { createTestDirectory, mintAccountToken, startServeProcess } from "./testing/serve-process.ts";
import { readBody, startUpstream } from "./testing/test-gateway.ts";
import { startTestServer } from "./testing/test-server.ts";

const PROMPT = { prompt: "Tell me something that takes a while to say.", seed: 7 };
const TIME_MS_MAX = 90_000;
const WAIT = { timeout: 30_000 };

const CLIENTS: readonly (readonly [string, (baseUrl: string, token: string) => NativeClient])[] = [
  ["a WebSocket", (baseUrl, token) => openSocketClient(baseUrl, token).client],
  ["server-sent events", openEventClient],
];

interface Heard {
  readonly texts: readonly string[];
  /** What the subscription ended with: null for its good end, else the data of its error. */
  readonly outcome: () => unknown;
}

function listen(client: NativeClient): Heard {
  const texts: string[] = [];
  let outcome: unknown = "none yet";
  const subscription = client.promptStream.subscribe(PROMPT, {
    onData: ({ data }) => void (data.type === "text-delta" && texts.push(data.text)),
    onComplete: () => (outcome = null),
    onError: ({ data, message }) => (outcome = { ...data, message }),
  });
  onTestFinished(() => subscription.unsubscribe());
  return { texts, outcome: () => outcome };
}

/** A port that was free a moment ago. */
async function findPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

const ENDINGS = ["SIGKILL", "SIGTERM"] as const;
/** More of them than a test waits for. */
const WORDS = Array.from({ length: 2000 }, (_, index) => `word${index} `);

/** A model that says a word now and then. */
function startSlowModel(): Promise<string> {
  return startUpstream(async (incoming, outgoing) => {
    await readBody(incoming);
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    for (const content of WORDS) {
      if (outgoing.destroyed) return;
      const choices = [{ index: 0, delta: { content }, finish_reason: null }];
      const chunk = { id: "x", object: "chat.completion.chunk", created: 1, model: "slow", choices };
      outgoing.write(`data: ${JSON.stringify(chunk)}\n\n`);
      await delay(20);
    }
  });
}

test.each(CLIENTS.flatMap(([name, open]) => ENDINGS.map((signal) => [name, signal, open] as const)))(
  "over %s, a server that is ended by %s and started again ends the subscription with an error that has a code",
  async (_name, signal, open) => {
    const config: ConfigInput = {
      port: await findPort(),
      dataDirectory: createTestDirectory(),
      limits: { shutdownTimeoutMs: 200 },
      models: [{ id: "slow", engine: { kind: "upstream", baseUrls: [await startSlowModel()] }, default: true }],
    };
    const token = await mintAccountToken("ada");
    const first = await startServeProcess(config);
    const heard = listen(open(first.baseUrl, token));
    await expect.poll(() => heard.texts.length, WAIT).toBeGreaterThan(3);
    if (signal === "SIGKILL") await first.kill();
    else await first.end(signal);
    await startServeProcess(config);
    await expect.poll(heard.outcome, WAIT).not.toBe("none yet");
    // Nothing of it twice, and nothing left out.
    expect(heard.texts).toEqual(WORDS.slice(0, heard.texts.length));
    expect(heard.outcome()).toMatchObject({
      code: expect.stringMatching(/^(?:subscription_lost|server_shutting_down)$/),
    });
  },
  TIME_MS_MAX,
);

test.each(CLIENTS)(
  "over %s, a subscription whose connection is cut goes on behind its last event",
  async (_name, open) => {
    const engine = createScriptedEngine({ tokenDelayMs: 20 });
    const started = await startTestServer({ engine, config: { native: { resumeMs: 60_000 } } });
    onTestFinished(() => started.server.close());
    const { baseUrl, keys } = started;
    const { text } = await open(baseUrl, keys.key).prompt.mutate(PROMPT);
    const proxy = await startCuttingProxy(baseUrl, [1500, 1800]);
    const heard = listen(open(proxy.baseUrl, keys.key));
    await expect.poll(heard.outcome, WAIT).toBeNull();
    expect(heard.texts.join("")).toBe(text);
    expect(proxy.cuts()).toBe(2);
  },
  TIME_MS_MAX,
);

test(
  "wherever its WebSocket is cut, a subscription loses no text and repeats none",
  async () => {
    const engine = createScriptedEngine({ tokenDelayMs: 1 });
    const started = await startTestServer({ engine, config: { native: { resumeMs: 60_000, accountRunsMax: 1000 } } });
    onTestFinished(() => started.server.close());
    const { baseUrl, keys } = started;
    const { text } = await openSocketClient(baseUrl, keys.key).client.prompt.mutate(PROMPT);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 6000 }), { minLength: 1, maxLength: 4 }), async (limits) => {
        const proxy = await startCuttingProxy(baseUrl, limits);
        const { client, socket } = openSocketClient(proxy.baseUrl, keys.key);
        const heard = listen(client);
        await expect.poll(heard.outcome, WAIT).not.toBe("none yet");
        await socket.close();
        expect({ outcome: heard.outcome(), text: heard.texts.join("") }).toEqual({ outcome: null, text });
      }),
      { numRuns: 25 },
    );
  },
  TIME_MS_MAX,
);
