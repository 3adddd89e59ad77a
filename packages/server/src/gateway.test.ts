/** Our server in front of upstreams: a second one of our own, and small ones that misbehave on purpose. */

import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { createWave } from "./testing/create-wave.ts";
import { readBody, startGateway, startSecondServer, startUpstream } from "./testing/test-gateway.ts";

const messages = [{ role: "user" as const, content: "Tell me about the sea." }];

test("a chat goes through to a second server of our own, and is paid for here", async () => {
  const { client, usage, stores } = await startGateway(await startSecondServer());
  const answer = await client.chat.completions.create({ model: "far", messages, seed: 1 });
  expect(answer.model).toBe("far");
  expect(answer.choices[0]?.message.content).not.toBe("");
  const { prompt_tokens: inputTokens = 0, completion_tokens: outputTokens = 0 } = answer.usage ?? {};
  expect(await usage()).toMatchObject([
    { amount: -(inputTokens + outputTokens), modelId: "far", units: { inputTokens, outputTokens } },
  ]);
  expect(await stores.credits.readBalance("ada")).toEqual({ balance: 1_000_000 - inputTokens - outputTokens, held: 0 });
});

test("a stream says the same as the non-streaming answer, and hides the usage that the client did not ask for", async () => {
  const { client, usage } = await startGateway(await startSecondServer());
  const whole = await client.chat.completions.create({ model: "far", messages, seed: 1 });
  const chunks = [];
  for await (const chunk of await client.chat.completions.create({ model: "far", messages, seed: 1, stream: true })) {
    chunks.push(chunk);
  }
  expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe(whole.choices[0]?.message.content);
  expect(chunks.every((chunk) => chunk.model === "far" && (chunk.usage ?? null) === null)).toBe(true);
  expect(chunks.every((chunk) => chunk.choices.length === 1)).toBe(true);
  await vi.waitFor(async () => expect(await usage()).toHaveLength(2));
  const [streamed, oneShot] = await usage();
  expect(streamed?.amount).toBe(oneShot?.amount);
});

test("a client that asks for usage gets it in the last chunk", async () => {
  const { client } = await startGateway(await startSecondServer());
  const options = { model: "far", messages, stream: true, stream_options: { include_usage: true } } as const;
  const usages = [];
  for await (const chunk of await client.chat.completions.create(options)) usages.push(chunk.usage ?? null);
  expect(usages.pop()).toMatchObject({ prompt_tokens: expect.any(Number), completion_tokens: expect.any(Number) });
  expect(usages.every((usage) => usage === null)).toBe(true);
});

test("a refusal by the upstream is passed on in its words, without its name or key", async () => {
  const { client } = await startGateway(await startSecondServer());
  const failure: unknown = await client.chat.completions
    .create({ model: "far", messages, temperature: 9 })
    .catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({ status: 400, code: "invalid_value", param: "temperature" });
  expect(String(failure)).not.toMatch(/127\.0\.0\.1|upstream-canary-key/);
});

test("a client that disconnects in the middle closes the upstream call, frees the slot and is charged for what it got", async () => {
  const upstream = await startSecondServer(20);
  const { client, usage, stores } = await startGateway(upstream);
  const stream = await client.chat.completions.create({ model: "far", messages, stream: true });
  let seen = 0;
  for await (const chunk of stream) {
    if ((chunk.choices[0]?.delta.content ?? "") !== "") seen += 1;
    if (seen === 3) break;
  }
  await vi.waitFor(async () => expect(await usage()).toHaveLength(1));
  const [entry] = await usage();
  expect(entry?.units.outputTokens).toBeGreaterThanOrEqual(3);
  expect(entry?.units.outputTokens).toBeLessThan(8);
  expect((await stores.credits.readBalance("ada")).held).toBe(0);
});

test("an upstream that is killed in the middle of a stream ends it with an error and without [DONE]", async () => {
  const baseUrl = await startUpstream((_incoming, outgoing) => {
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    const choices = [{ index: 0, delta: { content: "Half" }, finish_reason: null }];
    outgoing.write(
      `data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk", created: 1, model: "scripted", choices })}\n\n`,
    );
    setTimeout(() => outgoing.destroy(), 20);
  });
  const { baseUrl: url, keys, usage } = await startGateway({ baseUrls: [baseUrl] });
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${keys.key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "far", messages, stream: true }),
  });
  const events = (await response.text()).trim().split("\n\n");
  expect(events).toHaveLength(2);
  expect(JSON.parse(events[1]?.replace("data: ", "") ?? "")).toMatchObject({ error: { code: "upstream_failed" } });
  expect(await usage()).toMatchObject([{ units: { outputTokens: 1 } }]);
});

test("an upstream that can't be reached is a 503 that costs nothing; only the log has its address", async () => {
  const { client, usage, stores, logLines } = await startGateway({ baseUrls: ["http://127.0.0.1:9/v1"] });
  const failure: unknown = await client.chat.completions
    .create({ model: "far", messages })
    .catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({ status: 503, code: "upstream_unavailable" });
  expect(String(failure)).not.toMatch(/127\.0\.0\.1|:9|upstream-canary-key/);
  const failed = logLines.find((line) => line.includes("call failed"));
  expect(failed).toMatch(/ECONNREFUSED.*127\.0\.0\.1:9/);
  expect(failed, "a stack says nothing of an upstream").not.toContain(".ts:");
  expect(await usage()).toEqual([]);
  expect(await stores.credits.readBalance("ada")).toEqual({ balance: 1_000_000, held: 0 });
});

test("the metrics show which of a model's base URLs has an open circuit", async () => {
  const { baseUrls, apiKey } = await startSecondServer();
  const { client, baseUrl } = await startGateway({
    baseUrls: ["http://127.0.0.1:9/v1", ...baseUrls],
    apiKey,
    breakerFailuresMax: 1,
  });
  for (let call = 0; call < 4; call += 1) await client.chat.completions.create({ model: "far", messages });
  const metrics = await (await fetch(new URL("/metrics", baseUrl))).text();
  for (const line of [
    'upstream_available{model="far",upstream="0"} 0',
    'upstream_available{model="far",upstream="1"} 1',
    'upstream_failures_total{model="far",upstream="0"} 1',
    'upstream_failovers_total{model="far",upstream="1"} 1',
  ]) {
    expect(metrics).toContain(`openai_compat_${line}\n`);
  }
});

test("completions and embeddings pass as they are, under the upstream's key alone", async () => {
  const seen: { url: string | undefined; authorization: string | undefined; body: unknown }[] = [];
  const baseUrl = await startUpstream(async (incoming, outgoing) => {
    const { authorization } = incoming.headers;
    seen.push({ url: incoming.url, authorization, body: JSON.parse(await readBody(incoming)) });
    const usage = { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 };
    const answer =
      incoming.url === "/v1/completions"
        ? {
            id: "cmpl-1",
            object: "text_completion",
            created: 1,
            model: "scripted",
            choices: [{ index: 0, text: "x", logprobs: null, finish_reason: "stop" }],
            usage,
          }
        : {
            object: "list",
            model: "scripted",
            data: [{ object: "embedding", index: 0, embedding: [1, 0] }],
            usage: { prompt_tokens: 7, total_tokens: 7 },
          };
    outgoing.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  const chat = await startGateway({ baseUrls: [baseUrl] });
  const completion = await chat.client.completions.create({
    model: "far",
    prompt: "Once",
    max_tokens: 3,
    suffix: "end",
  });
  expect(completion).toMatchObject({ model: "far", choices: [{ text: "x" }] });
  expect(await chat.usage()).toMatchObject([{ operation: "ai_prompt", amount: -5 }]);

  const embedding = await startGateway({ baseUrls: [baseUrl] }, "embedding");
  const vectors = await embedding.client.embeddings.create({ model: "far", input: ["a"], encoding_format: "float" });
  expect(vectors.data[0]?.embedding).toEqual([1, 0]);
  expect(await embedding.usage()).toMatchObject([{ operation: "ai_embedding", amount: -7 }]);
  expect(seen).toMatchObject([
    { url: "/v1/completions", authorization: "Bearer upstream-canary-key", body: { model: "scripted", suffix: "end" } },
    { url: "/v1/embeddings", authorization: "Bearer upstream-canary-key", body: { model: "scripted" } },
  ]);
});

test("a recording goes through as a form and is paid for by its length", async () => {
  let received = "";
  const baseUrl = await startUpstream(async (incoming, outgoing) => {
    received = await readBody(incoming);
    outgoing.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ text: "Silence." }));
  });
  const { client, usage } = await startGateway({ baseUrls: [baseUrl] }, "transcription");
  const file = new File([createWave({ seconds: 1 })], "a second.wav", { type: "audio/wav" });
  const { text } = await client.audio.transcriptions.create({ model: "far", file, language: "en" });
  expect(text).toBe("Silence.");
  expect(received).toMatch(/name="model"\r\n\r\nscripted\r\n/);
  expect(received).toMatch(/name="language"\r\n\r\nen\r\n/);
  expect(await usage()).toMatchObject([{ operation: "ai_transcription", amount: -1000, units: { audioMs: 1000 } }]);
});

test("speech is passed on as it is made and paid for by the character", async () => {
  const baseUrl = await startUpstream(async (incoming, outgoing) => {
    await readBody(incoming);
    outgoing.writeHead(200, { "content-type": "audio/mpeg" });
    outgoing.write(Buffer.from([1, 2, 3]));
    await delay(20);
    outgoing.end(Buffer.from([4]));
  });
  const { client, usage } = await startGateway({ baseUrls: [baseUrl] }, "speech");
  const response = await client.audio.speech.create({ model: "far", voice: "alloy", input: "Grüße 🌊" });
  expect(response.headers.get("content-type")).toBe("audio/mpeg");
  expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([1, 2, 3, 4]);
  await vi.waitFor(async () =>
    expect(await usage()).toMatchObject([{ operation: "ai_tts", amount: -7, units: { characters: 7 } }]),
  );
});

test("a model of another type is a 400 that says so", async () => {
  const { client } = await startGateway({ baseUrls: ["http://127.0.0.1:9/v1"] }, "speech");
  await expect(client.embeddings.create({ model: "far", input: "a" })).rejects.toMatchObject({
    status: 400,
    code: "wrong_model_type",
    param: "model",
  });
});

test("what can't be paid for never reaches the upstream", async () => {
  let calls = 0;
  const baseUrl = await startUpstream((_incoming, outgoing) => {
    calls += 1;
    outgoing.end();
  });
  const { baseUrl: url, keys } = await startGateway({ baseUrls: [baseUrl] });
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${await keys.mintFor("bob")}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "far", messages, stream: true }),
  });
  expect(response.status).toBe(429);
  expect(response.headers.get("x-should-retry")).toBe("false");
  expect(await response.json()).toMatchObject({ error: { code: "insufficient_quota", type: "insufficient_quota" } });
  expect(calls).toBe(0);
});
