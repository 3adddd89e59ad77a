/** An upstream of every type that takes whatever it is sent and gives the answer that was asked for. */

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";

export interface FakeUpstream {
  /** Of its API. */
  readonly baseUrl: string;
  close(): Promise<void>;
}

export async function startFakeUpstream(): Promise<FakeUpstream> {
  const http = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("The upstream listens on no TCP port.");
  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
  const body = Buffer.concat(chunks).toString("latin1");
  const operation = (incoming.url ?? "").split("/").at(-1) ?? "";
  const isForm = operation === "transcriptions" || operation === "translations";
  const { stream, format } = isForm ? readForm(body) : readJson(body, operation);
  if (stream) send(outgoing, "text/event-stream", EVENTS[operation] ?? EVENTS["transcriptions"] ?? "");
  else if (isForm && /^(?:text|srt|vtt)$/.test(format)) send(outgoing, "text/plain", "The sea.");
  else if (operation === "speech") send(outgoing, "audio/mpeg", "\xff\xfb\x90\x64");
  else send(outgoing, "application/json", JSON.stringify(WHOLE[operation] ?? { text: "The sea." }));
}

function send(outgoing: ServerResponse, contentType: string, body: string): void {
  outgoing.writeHead(200, { "content-type": contentType }).end(body, "latin1");
}

function readForm(body: string): { stream: boolean; format: string } {
  const last = (name: string) =>
    [...body.matchAll(new RegExp(`name="${name}"\\r\\n\\r\\n(\\w+)`, "g"))].at(-1)?.[1] ?? "";
  return { stream: last("stream").toLowerCase() === "true", format: last("response_format") };
}

function readJson(body: string, operation: string): { stream: boolean; format: string } {
  const value: unknown = JSON.parse(body);
  const stream =
    isRecord(value) && (operation === "speech" ? value["stream_format"] === "sse" : value["stream"] === true);
  return { stream, format: "" };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

const HEAD = { id: "x", created: 1, model: "far" };
const CHOICE = { index: 0, finish_reason: "stop", logprobs: null };
const WHOLE: Readonly<Record<string, unknown>> = {
  completions: {
    ...HEAD,
    object: "chat.completion",
    choices: [{ ...CHOICE, text: "The sea.", message: { role: "assistant", content: "The sea." } }],
    usage: USAGE,
  },
  embeddings: {
    object: "list",
    model: "far",
    data: [{ object: "embedding", index: 0, embedding: [0.1, 0.2] }],
    usage: { prompt_tokens: 3, total_tokens: 3 },
  },
};

const eventOf = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const EVENTS: Readonly<Record<string, string>> = {
  completions: [
    eventOf({
      ...HEAD,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta: { content: "Sea." }, text: "Sea." }],
    }),
    eventOf({ ...HEAD, object: "chat.completion.chunk", choices: [{ ...CHOICE, delta: {}, text: "" }] }),
    eventOf({ ...HEAD, object: "chat.completion.chunk", choices: [], usage: USAGE }),
    "data: [DONE]\n\n",
  ].join(""),
  speech: eventOf({ type: "speech.audio.delta", audio: "AA==" }) + eventOf({ type: "speech.audio.done", usage: USAGE }),
  transcriptions:
    eventOf({ type: "transcript.text.delta", delta: "The sea." }) +
    eventOf({ type: "transcript.text.done", text: "The sea.", usage: USAGE }),
};
