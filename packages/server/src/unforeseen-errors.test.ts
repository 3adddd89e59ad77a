/** A server with an unhandled error, in a process of its own. */

import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { mintAccountToken, startServeProcess } from "./testing/serve-process.ts";
import { startUpstream } from "./testing/test-gateway.ts";

/** What a signal makes happen in the process, as if a line of ours had a mistake. */
const FAULTS = {
  "an exception": "throw new Error('canary of a mistake')",
  "a rejection": "Promise.reject(new Error('canary of a mistake'))",
  "an error event": "new (process.getBuiltinModule('events'))().emit('error', new Error('canary of a mistake'))",
};

/** Says two words, the second after a while. */
async function startSlowUpstream(): Promise<string> {
  const chunkOf = (content: string, finishReason: string | null) => {
    const choices = [{ index: 0, delta: { content }, finish_reason: finishReason }];
    return `data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk", created: 1, model: "slow", choices })}\n\n`;
  };
  return startUpstream(async (_incoming, outgoing) => {
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    outgoing.write(chunkOf("The", null));
    await delay(500);
    outgoing.end(`${chunkOf(" sea.", "stop")}data: [DONE]\n\n`);
  });
}

test.each(Object.entries(FAULTS))(
  "after an uncaught %s, running answers end, the log has the cause, and the process fails",
  async (_case, source) => {
    const preload = `process.on('SIGUSR2',()=>{${source}})`;
    const engine = { kind: "upstream" as const, baseUrls: [await startSlowUpstream()] };
    const server = await startServeProcess(
      { store: "memory", models: [{ id: "slow", engine }] },
      {
        nodeOptions: `--import=data:text/javascript,${encodeURIComponent(preload)}`,
        expectsFault: true,
      },
    );
    const response = await fetch(`${server.baseUrl}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${await mintAccountToken("ada")}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "slow", stream: true, messages: [{ role: "user", content: "Hello" }] }),
    });
    expect(response.status).toBe(200);
    const exitCode = server.end("SIGUSR2");
    expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/);
    expect(await exitCode).toBe(1);
    expect(server.log()).toContain("an unforeseen error ends the server");
    expect(server.log()).toContain("canary of a mistake");
    await expect(fetch(`${server.baseUrl}/models`)).rejects.toThrow();
  },
);
