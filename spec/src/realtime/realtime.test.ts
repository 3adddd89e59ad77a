import { expect, test } from "vitest";
import { validateShape } from "../shared/validate-shape.ts";
import { realtimeClientEventSchema } from "./client-event.ts";
import { realtimeCreateClientSecretRequestSchema } from "./client-secret.ts";
import { realtimeServerEventSchema } from "./server-event.ts";

const SESSION = {
  type: "transcription",
  id: "sess_1",
  object: "realtime.transcription_session",
  expires_at: 1_790_000_000,
  audio: {
    input: {
      format: { type: "audio/pcm", rate: 24_000 },
      transcription: { model: "whisper-base", language: "en" },
      noise_reduction: null,
      turn_detection: { type: "server_vad", threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 500 },
    },
  },
};
const ITEM = {
  id: "item_1",
  object: "realtime.item",
  type: "message",
  status: "completed",
  role: "user",
  content: [{ type: "input_audio", transcript: null }],
};
const prefix = "conversation.item.input_audio_transcription";

test.each([
  { type: "session.created", session: SESSION },
  { type: "session.updated", session: { type: "realtime", id: "sess_1", object: "realtime.session", model: "any" } },
  { type: "input_audio_buffer.speech_started", audio_start_ms: 0, item_id: "item_1" },
  { type: "input_audio_buffer.speech_stopped", audio_end_ms: 900, item_id: "item_1" },
  { type: "input_audio_buffer.committed", previous_item_id: null, item_id: "item_1" },
  { type: "conversation.item.added", previous_item_id: null, item: ITEM },
  { type: "conversation.item.done", previous_item_id: "item_0", item: ITEM },
  { type: `${prefix}.delta`, item_id: "item_1", content_index: 0, delta: "The sea" },
  {
    type: `${prefix}.completed`,
    item_id: "item_1",
    content_index: 0,
    transcript: "The sea",
    usage: { type: "duration", seconds: 1.5 },
  },
  {
    type: `${prefix}.failed`,
    item_id: "item_1",
    content_index: 0,
    error: { type: "server_error", message: "It broke." },
  },
  { type: "error", error: { type: "invalid_request_error", code: null, message: "No.", param: null, event_id: "a" } },
])("the event $type is one of the server's, with an id and not without", (event) => {
  expect(validateShape(realtimeServerEventSchema, { event_id: "event_1", ...event })).toEqual([]);
  expect(validateShape(realtimeServerEventSchema, event).map(({ path }) => path)).toEqual(["event_id"]);
});

test("the server has all 46 events of the document, and the client its 11", () => {
  expect(realtimeServerEventSchema.options).toHaveLength(46);
  expect(realtimeClientEventSchema.options).toHaveLength(11);
});

test("a completed turn says what it is billed by", () => {
  const event = {
    event_id: "event_1",
    type: `${prefix}.completed`,
    item_id: "item_1",
    content_index: 0,
    transcript: "",
  };
  expect(validateShape(realtimeServerEventSchema, event).map(({ path }) => path)).toEqual(["usage"]);
});

test("an update names the type of its session, and may take turn detection away", () => {
  const parse = (session: object) => realtimeClientEventSchema.safeParse({ type: "session.update", session });
  expect(parse({ type: "transcription", audio: { input: { turn_detection: null } } }).success).toBe(true);
  expect(parse({ type: "realtime", audio: { output: { voice: "marin" } }, tools: [] }).success).toBe(true);
  expect(parse({ audio: { input: { turn_detection: null } } }).success).toBe(false);
  expect(
    parse({ type: "transcription", audio: { input: { format: { type: "audio/pcm", rate: 16_000 } } } }).success,
  ).toBe(false);
});

test("a client secret lasts for ten seconds to two hours", () => {
  const parse = (seconds: number) => realtimeCreateClientSecretRequestSchema.safeParse({ expires_after: { seconds } });
  expect([9, 10, 7200, 7201].map((seconds) => parse(seconds).success)).toEqual([false, true, true, false]);
});
