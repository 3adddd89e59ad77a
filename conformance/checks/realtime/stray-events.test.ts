/** Which events may name an item that was never committed. */

import { expect, test } from "vitest";
import type { JsonObject } from "../../src/json-object.ts";
import { DELTA } from "../support/realtime-calls.ts";
import { listItemFlaws } from "./flaws.ts";

const cleared = { type: "input_audio_buffer.cleared" };
const of = (type: string, id: string): JsonObject => ({ type, item_id: id });
const item = (id: string): JsonObject => ({
  id,
  type: "message",
  role: "user",
  content: [{ type: "input_audio", transcript: null }],
});
const turn = (id: string): readonly JsonObject[] => [
  of("input_audio_buffer.committed", id),
  { type: "conversation.item.added", item: item(id) },
  { type: "conversation.item.done", item: item(id) },
];

test.each<[string, readonly JsonObject[]]>([
  ["text of audio that is cleared then", [of(DELTA, "a"), of(DELTA, "a"), cleared]],
  ["speech that is cleared then", [of("input_audio_buffer.speech_started", "a"), cleared]],
  ["text before its commit", [of(DELTA, "a"), ...turn("a")]],
  ["text of each of two cleared buffers", [of(DELTA, "a"), cleared, of(DELTA, "b"), cleared, ...turn("c")]],
])("%s is no flaw", (_, events) => {
  expect(listItemFlaws(events)).toEqual([]);
});

test.each<[string, readonly JsonObject[]]>([
  ["text of an item that is neither committed nor cleared", [of(DELTA, "a")]],
  ["text of another item than the committed one", [...turn("a"), of(DELTA, "b")]],
  ["text of audio that was cleared", [of(DELTA, "a"), cleared, of(DELTA, "a"), cleared]],
  [
    "a transcript of audio that was never committed",
    [of("conversation.item.input_audio_transcription.completed", "a"), cleared],
  ],
])("%s is a flaw", (_, events) => {
  expect(listItemFlaws(events).map(({ level }) => level)).toEqual(["must"]);
});
