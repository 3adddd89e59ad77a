import { expect, test } from "vitest";
import type { Exchange, RecordedMessage } from "../src/exchange.ts";
import { COVERAGE_EXCLUSIONS } from "./coverage-exclusions.ts";
import { listDocumented, renderCoverage, summariseCoverage } from "./coverage.ts";

interface Crossed {
  readonly path: string;
  readonly status?: number;
  readonly type?: string;
  readonly body?: string;
  readonly messages?: readonly RecordedMessage[];
}

function crossed({ path, status = 200, type = "application/json", body = "{}", messages = [] }: Crossed): Exchange {
  return {
    request: {
      method: path.startsWith("/models") ? "GET" : "POST",
      url: `http://127.0.0.1/v1${path}`,
      headers: {},
      body: "{}",
    },
    response: {
      status,
      headers: { "content-type": `${type}; charset=utf-8` },
      headersAtMs: 0,
      chunks: [{ atMs: 1, bytes: Buffer.from(body) }],
      end: "clean",
      endAtMs: 1,
      truncated: false,
    },
    transportError: null,
    messages,
  };
}

const covers = (check: { id: string; operation: "createSpeech" | "listModels" | null }, exchange: Exchange) =>
  summariseCoverage([{ check, exchanges: [exchange] }]).items;

test("statuses, media types, stream events and events of realtime are documented items", () => {
  expect(listDocumented()).toEqual(
    expect.arrayContaining([
      "createChatCompletion 404",
      "createChatCompletion 200 text/event-stream",
      "createChatCompletion stream chat.completion.chunk",
      "createSpeech stream speech.audio.delta",
      "realtime client session.update",
      "realtime server conversation.item.input_audio_transcription.completed",
    ]),
  );
  expect(new Set(listDocumented()).size).toBe(listDocumented().length);
});

test("a check covers what crossed the wire for its own operation", () => {
  const check = { id: "audio.speech.stream.head", operation: "createSpeech" } as const;
  const body = 'data: {"type":"speech.audio.delta","audio":"AA=="}\n\n';
  expect(covers(check, crossed({ path: "/audio/speech", type: "text/event-stream", body }))).toEqual([
    { item: "createSpeech 200 text/event-stream", checks: [check.id] },
    { item: "createSpeech stream speech.audio.delta", checks: [check.id] },
  ]);
  expect(covers(check, crossed({ path: "/models" }))).toEqual([]);
});

test("a path with a parameter is told from the list that it belongs to", () => {
  const check = { id: "models.list.shape", operation: "listModels" } as const;
  expect(covers(check, crossed({ path: "/models/a%2Fb", status: 403 }))).toEqual([]);
  expect(covers(check, crossed({ path: "/models", status: 403 }))).toEqual([
    { item: "listModels 403", checks: [check.id] },
  ]);
});

test("events of realtime are covered by the side that sent them", () => {
  const messages: readonly RecordedMessage[] = [
    { from: "client", atMs: 1, type: "text", data: '{"type":"input_audio_buffer.clear"}' },
    { from: "server", atMs: 2, type: "text", data: '{"event_id":"e","type":"input_audio_buffer.cleared"}' },
  ];
  const found = covers(
    { id: "realtime.buffer.cleared", operation: null },
    crossed({ path: "/realtime", status: 101, messages }),
  );
  expect(found.map(({ item }) => item)).toEqual([
    "realtime client input_audio_buffer.clear",
    "realtime server input_audio_buffer.cleared",
  ]);
});

test("what has neither a check nor a reason is a gap, and is printed by name", () => {
  const coverage = summariseCoverage([]);
  expect(coverage.gaps).toContain("createChatCompletion 404");
  expect(coverage.gaps).not.toContain("createChatCompletion 500");
  expect(coverage.excluded).toContainEqual({
    item: "createChatCompletion 500",
    reason: expect.stringContaining("own fault"),
  });
  expect(renderCoverage(coverage)).toContain(
    "not covered: createChatCompletion 404 has no check and no reason why not",
  );
});

test("each exclusion matches something that is documented", () => {
  const documented = listDocumented();
  expect(
    COVERAGE_EXCLUSIONS.filter(
      ({ pattern, isEarly = false }) => !isEarly && !documented.some((item) => pattern.test(item)),
    ),
  ).toEqual([]);
  expect(COVERAGE_EXCLUSIONS.filter(({ reason }) => reason.length < 20)).toEqual([]);
});
