import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import type { Exchange } from "./exchange.ts";
import { createRecordingFetch } from "./recorder.ts";
import type { Recorded } from "./shared-answers.ts";

/** Refuses each request by its headers and closes the connection, in a process of its own: there it is as fast as a real one. */
const REFUSING_SERVER = `
const server = require("node:http").createServer((request, response) => {
  if (request.url !== "/echo") return response.writeHead(401).end("{}");
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => response.end(JSON.stringify({ type: request.headers["content-type"], body: Buffer.concat(parts).toString() })));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

async function startRefusingServer(): Promise<string> {
  const child = spawn(process.execPath, ["-e", REFUSING_SERVER], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill());
  const [port] = await once(child.stdout, "data");
  return `http://127.0.0.1:${String(port).trim()}`;
}

function createForm(): FormData {
  const form = new FormData();
  form.set("model", "m");
  form.set("file", new Blob([new Uint8Array(100_000)], { type: "audio/wav" }), "sound.wav");
  form.set("language", "en");
  return form;
}

function createFetch(): { readonly fetch: typeof globalThis.fetch; readonly exchanges: () => readonly Exchange[] } {
  const recorded: Recorded[] = [];
  const { signal } = new AbortController();
  const fetch = createRecordingFetch({ recordedBytesMax: 1e6, signal, onExchange: (next) => void recorded.push(next) });
  return { fetch, exchanges: () => recorded.map((recording) => recording.snapshot()) };
}

test("a form that a server refuses by its headers gets the answer, not a lost connection", async () => {
  const url = await startRefusingServer();
  const { fetch, exchanges } = createFetch();
  for (let index = 0; index < 30; index += 1) {
    const response = await fetch(`${url}/refused`, { method: "POST", body: createForm() });
    await response.text();
  }
  expect(exchanges().map(({ response, transportError }) => response?.status ?? transportError)).toEqual(
    Array.from({ length: 30 }, () => 401),
  );
});

test("a form arrives as `fetch` writes it", async () => {
  const url = await startRefusingServer();
  const { fetch } = createFetch();
  const response = await fetch(`${url}/echo`, { method: "POST", body: createForm() });
  const { type, body } = z.object({ type: z.string(), body: z.string() }).parse(await response.json());
  const [, boundary = "none"] = /^multipart\/form-data; boundary=(\S+)$/.exec(type) ?? [];
  expect(body.split(`--${boundary}`)).toHaveLength(5);
  expect(body).toContain('name="file"; filename="sound.wav"\r\nContent-Type: audio/wav\r\n\r\n');
  expect(body).toMatch(/name="language"\r\n\r\nen\r\n--\S+--\r\n$/);
});
