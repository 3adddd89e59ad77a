import { expect, test } from "vitest";
import { AiError } from "../ai-error.ts";
import { createConfig } from "./realtime-config.ts";
import type { RealtimePatch } from "./realtime-config.ts";
import type { RealtimeError } from "./realtime-session.ts";
import type { SessionAction, SessionEvent } from "./session-events.ts";
import { createSessionMachine } from "./session-machine.ts";

const BYTES_PER_MS = 48;
const TOKENS = { audioTokens: 1, promptTokens: 0, outputTokens: 1 };
const BROKEN: RealtimeError = { code: "engine_failed", message: "The process ended.", param: null };

function createMachine() {
  let items = 0;
  return createSessionMachine({
    id: "sess_1",
    expiresAtMs: 1000,
    config: createConfig({ type: "transcription", model: null, transcriptionModel: "default" }),
    defaultModel: "default",
    turnMsMax: 10_000,
    createItemId: () => `item_${(items += 1)}`,
    checkModel: (model) => (model === "none" ? new AiError("model_not_found", "There is no such model.") : null),
  });
}

const update = (patch: Partial<RealtimePatch>, eventId: string | null = null): SessionEvent => ({
  type: "update",
  patch: { type: "transcription", ...patch },
  eventId,
});
const append = (ms: number): SessionEvent => ({ type: "append", byteCount: ms * BYTES_PER_MS, eventId: null });
const COMMIT: SessionEvent = { type: "commit", eventId: "c" };
const CLEAR: SessionEvent = { type: "clear", eventId: null };
const MANUAL = update({ turnDetection: null });
const started = (atMs: number): SessionEvent => ({ type: "speech-started", atMs });
const stopped = (atMs: number): SessionEvent => ({ type: "speech-stopped", atMs });
const said = (itemId: string, text: string): SessionEvent => ({ type: "text-delta", itemId, text, logprobs: null });
const completed = (itemId: string): SessionEvent => ({
  type: "turn-completed",
  itemId,
  heardMs: 1000,
  language: "en",
  tokens: TOKENS,
});
const failed = (itemId: string): SessionEvent => ({ type: "turn-failed", itemId, error: BROKEN, ends: null });
const STOP: SessionEvent = { type: "stop", reason: "disconnected", error: null, drains: false };
const DRAIN = {
  type: "stop",
  reason: "shutting-down",
  error: { code: "shutting_down", message: "It stops.", param: null },
  drains: true,
} as const satisfies SessionEvent;

/** An action in a few words. */
function describe(action: SessionAction): string {
  switch (action.type) {
    case "keep-audio":
      return "keep";
    case "open-turn":
      return `open ${action.turn.itemId} ${action.turn.fromMs ?? "now"}`;
    case "finish-turn":
      return `finish ${action.itemId} ${action.atMs ?? "now"}`;
    case "drop-turn":
      return `drop ${action.itemId}`;
    case "detect":
      return action.detection === null ? "detect nothing" : `detect ${action.detection.silenceMs} ${action.model}`;
    case "use-format":
      return `use ${action.format}`;
    case "end":
      return `end ${action.reason}`;
    case "send":
      return describeEvent(action.event);
  }
}

function describeEvent(event: Extract<SessionAction, { readonly type: "send" }>["event"]): string {
  switch (event.type) {
    case "speech-started":
      return `< started ${event.itemId} ${event.audioStartMs}`;
    case "speech-stopped":
      return `< stopped ${event.itemId} ${event.audioEndMs}`;
    case "committed":
      return `< committed ${event.itemId} after ${event.previousItemId}`;
    case "text-delta":
      return `< "${event.text}" of ${event.itemId}`;
    case "turn-completed":
      return `< completed ${event.itemId} "${event.text}"`;
    case "turn-failed":
      return `< failed ${event.itemId} ${event.error.code}`;
    case "error":
      return `< error ${event.error.code} ${event.error.param} for ${event.causedBy}`;
    case "item-added":
    case "item-done":
      return `< ${event.type} ${event.item.id} after ${event.previousItemId}`;
    case "item-retrieved":
      return `< retrieved ${event.item.id} "${event.item.transcript}"`;
    case "item-deleted":
      return `< deleted ${event.itemId}`;
    case "cleared":
    case "session-created":
    case "session-updated":
      return `< ${event.type}`;
  }
}

/** What the last event does, after the others. */
function run(...events: readonly SessionEvent[]): readonly string[] {
  const machine = createMachine();
  machine.start();
  return events.reduce<readonly string[]>((_, event) => machine.handle(event).map(describe), []);
}

test("a session says what it is, and watches for speech", () => {
  expect(createMachine().start().map(describe)).toEqual(["< session-created", "detect 500 default"]);
});

const MANUAL_TURN = [MANUAL, append(200)];
const COMMITTED = ["< committed item_1 after null", "< item-added item_1 after null", "< item-done item_1 after null"];
const SPOKEN = [append(1000), started(600)];

test.each<readonly [string, readonly SessionEvent[], readonly string[]]>([
  ["manual: the first audio opens a turn", [MANUAL, append(200)], ["open item_1 now", "keep"]],
  ["manual: more audio belongs to it", [...MANUAL_TURN, append(50)], ["keep"]],
  ["manual: a commit ends it", [...MANUAL_TURN, COMMIT], ["finish item_1 now", ...COMMITTED]],
  ["manual: text comes before the commit", [...MANUAL_TURN, said("item_1", "The")], ['< "The" of item_1']],
  [
    "manual: the text of a committed turn is completed",
    [...MANUAL_TURN, COMMIT, said("item_1", "The"), said("item_1", " sea"), completed("item_1")],
    ['< completed item_1 "The sea"'],
  ],
  ["manual: what failed is said after the commit", [...MANUAL_TURN, failed("item_1")], []],
  [
    "manual: then it is said",
    [...MANUAL_TURN, failed("item_1"), COMMIT],
    ["finish item_1 now", ...COMMITTED, "< failed item_1 engine_failed"],
  ],
  ["manual: nothing to commit", [MANUAL, COMMIT], ["< error buffer_too_small null for c"]],
  ["manual: too little to commit", [MANUAL, append(99), COMMIT], ["< error buffer_too_small null for c"]],
  [
    "manual: just enough in three pieces",
    [MANUAL, append(40), append(40), append(20), COMMIT],
    ["finish item_1 now", ...COMMITTED],
  ],
  ["manual: a clear drops the turn", [...MANUAL_TURN, CLEAR], ["drop item_1", "< cleared"]],
  ["manual: a cleared turn has no text", [...MANUAL_TURN, CLEAR, said("item_1", "The")], []],
  ["manual: nothing to clear", [MANUAL, CLEAR], ["< cleared"]],
  [
    "manual: a turn too long takes no more",
    [MANUAL, append(9900), append(101)],
    ["< error turn_too_long audio for null"],
  ],
  [
    "manual: it can be committed all the same",
    [MANUAL, append(9900), append(101), COMMIT],
    ["finish item_1 now", ...COMMITTED],
  ],
  ["empty audio", [append(0)], ["< error invalid_value audio for null"]],
  ["detected: audio is kept", [append(100)], ["keep"]],
  ["detected: speech opens a turn, its padding included", SPOKEN, ["open item_1 300", "< started item_1 300"]],
  ["detected: no turn begins before the session", [append(200), started(100)], ["open item_1 0", "< started item_1 0"]],
  [
    "detected: the pause ends the turn",
    [...SPOKEN, append(1000), stopped(1400)],
    ["< stopped item_1 1900", "finish item_1 1900", ...COMMITTED],
  ],
  [
    "detected: no turn begins before the last one's end",
    [...SPOKEN, append(1000), stopped(1400), append(500), started(2000)],
    ["open item_2 1900", "< started item_2 1900"],
  ],
  [
    "detected: a turn that fails is committed first",
    [...SPOKEN, failed("item_1")],
    ["< stopped item_1 1000", "finish item_1 1000", ...COMMITTED, "< failed item_1 engine_failed"],
  ],
  ["detected: its pause then says nothing", [...SPOKEN, failed("item_1"), stopped(900)], []],
  [
    "detected: a lost detector ends the turn with what has come",
    [...SPOKEN, { type: "detector-lost" }],
    ["< stopped item_1 1000", "finish item_1 1000", ...COMMITTED],
  ],
  ["detected: a lost detector without a turn", [append(1000), { type: "detector-lost" }], []],
  [
    "detected: a turn too long is cut, and what goes on there is found anew",
    [append(1000), started(600), append(9000), append(500)],
    ["< stopped item_1 10000", "finish item_1 10000", ...COMMITTED, "detect 500 default", "keep"],
  ],
  [
    "detected: a commit ends the turn at once",
    [...SPOKEN, COMMIT],
    ["finish item_1 now", ...COMMITTED, "detect 500 default"],
  ],
  [
    "detected: a commit without speech takes what was heard last",
    [append(9000), COMMIT],
    ["open item_1 4000", "finish item_1 now", ...COMMITTED, "detect 500 default"],
  ],
  ["detected: a clear drops the turn", [...SPOKEN, CLEAR], ["drop item_1", "< cleared", "detect 500 default"]],
  ["detected: a second start is none", [...SPOKEN, started(900)], []],
  ["a session that turns detection off", [MANUAL], ["detect nothing", "< session-updated"]],
  [
    "detection with other settings begins anew",
    [update({ turnDetection: { silenceMs: 200 } })],
    ["detect 200 default", "< session-updated"],
  ],
  ["the same settings again", [update({ turnDetection: { silenceMs: 500 } })], ["< session-updated"]],
  [
    "semantic detection has its own pause",
    [update({ turnDetection: { type: "semantic-vad", eagerness: "low" } })],
    ["detect 1200 default", "< session-updated"],
  ],
  [
    "settings in a turn wait for its end",
    [...SPOKEN, update({ turnDetection: { silenceMs: 200 } })],
    ["< session-updated"],
  ],
  [
    "settings in a turn come with its end",
    [...SPOKEN, update({ turnDetection: { silenceMs: 200 } }), append(1000), stopped(1400)],
    ["< stopped item_1 1900", "finish item_1 1900", ...COMMITTED, "detect 200 default"],
  ],
  [
    "a model that is not there",
    [update({ transcription: { model: "none" } }, "u")],
    ["< error model_not_found session.audio.input.transcription.model for u"],
  ],
  ["another model", [update({ transcription: { model: "ears" } })], ["detect 500 ears", "< session-updated"]],
  [
    "what is shown and too long",
    [update({ echo: { prompt: "x".repeat(262_144) } }, "u")],
    ["< error invalid_value session for u"],
  ],
  ["another type", [update({ type: "realtime" }, "u")], ["< error session_type_fixed session.type for u"]],
  ["another format", [update({ format: "pcmu" })], ["use pcmu", "< session-updated"]],
  [
    "another format in a turn",
    [...SPOKEN, update({ format: "pcmu" })],
    ["< error format_in_use session.audio.input.format for null"],
  ],
  [
    "what a surface refused",
    [{ type: "refuse", error: BROKEN, ends: false, eventId: "r" }],
    ["< error engine_failed null for r"],
  ],
  [
    "what a surface refused for good",
    [{ type: "refuse", error: BROKEN, ends: true, eventId: "r" }],
    ["< error engine_failed null for r", "detect nothing", "end refused"],
  ],
  [
    "an item that is not there",
    [{ type: "retrieve-item", itemId: "item_9", eventId: "i" }],
    ["< error item_not_found item_id for i"],
  ],
  [
    "an item that is there",
    [
      ...MANUAL_TURN,
      COMMIT,
      said("item_1", "The"),
      completed("item_1"),
      { type: "retrieve-item", itemId: "item_1", eventId: null },
    ],
    ['< retrieved item_1 "The"'],
  ],
  [
    "an item that is deleted in its turn",
    [...MANUAL_TURN, COMMIT, { type: "delete-item", itemId: "item_1", eventId: null }],
    ["drop item_1", "< deleted item_1"],
  ],
  ["a client that is gone", [...MANUAL_TURN, COMMIT, STOP], ["drop item_1", "end disconnected"]],
  [
    "a server that stops, without turns",
    [DRAIN],
    ["< error shutting_down null for null", "detect nothing", "end shutting-down"],
  ],
  [
    "a server that stops waits for a committed turn",
    [...MANUAL_TURN, COMMIT, DRAIN],
    ["< error shutting_down null for null"],
  ],
  [
    "and ends with it",
    [...MANUAL_TURN, COMMIT, DRAIN, completed("item_1")],
    ['< completed item_1 ""', "end shutting-down"],
  ],
  [
    "and does not wait for ever",
    [...MANUAL_TURN, COMMIT, DRAIN, { ...DRAIN, drains: false }],
    ["drop item_1", "< failed item_1 shutting_down", "end shutting-down"],
  ],
  ["a server that stops takes no more", [DRAIN, append(100)], []],
  [
    "a turn without credits ends the session",
    [...SPOKEN, { type: "turn-failed", itemId: "item_1", error: { ...BROKEN, code: "quota_exceeded" }, ends: "quota" }],
    [
      "< stopped item_1 1000",
      "finish item_1 1000",
      ...COMMITTED,
      "< failed item_1 quota_exceeded",
      "< error quota_exceeded null for null",
      "detect nothing",
      "end quota",
    ],
  ],
  ["nothing follows the end", [STOP, COMMIT], []],
])("%s", (_title, events, actions) => {
  expect(run(...events)).toEqual(actions);
});

test("the last hundred items can be retrieved", () => {
  const machine = createMachine();
  machine.start();
  machine.handle(MANUAL);
  for (let turn = 1; turn <= 101; turn += 1) {
    for (const event of [append(100), COMMIT, completed(`item_${turn}`)]) machine.handle(event);
  }
  const retrieve = (itemId: string) => machine.handle({ type: "retrieve-item", itemId, eventId: null }).map(describe);
  expect(retrieve("item_1")).toEqual(["< error item_not_found item_id for null"]);
  expect(retrieve("item_2")).toEqual(['< retrieved item_2 ""']);
});
