/** What holds in a session whatever its client, its detector and its engine do. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { createConfig } from "./realtime-config.ts";
import type { RealtimeEvent } from "./realtime-session.ts";
import type { SessionAction, SessionEvent } from "./session-events.ts";
import { createSessionMachine } from "./session-machine.ts";
import type { SessionMachine } from "./session-machine.ts";

const BROKEN = { code: "engine_failed", message: "It broke.", param: null } as const;
const TOKENS = { audioTokens: 0, promptTokens: 0, outputTokens: 0 };

type Step =
  | { readonly type: "client"; readonly event: SessionEvent }
  | { readonly type: "turn"; readonly index: number; readonly does: "say" | "complete" | "fail" };

const eventId = fc.constantFrom(null, "a");
const client: fc.Arbitrary<SessionEvent> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant("append"), byteCount: fc.nat(200_000), eventId }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("commit"), eventId }) },
  fc.record({ type: fc.constant("clear"), eventId }),
  fc.record({ type: fc.constant("delete-item"), itemId: fc.constantFrom("item_1", "item_2", "item_3"), eventId }),
  { weight: 4, arbitrary: fc.record({ type: fc.constant("speech-started"), atMs: fc.nat(20_000) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("speech-stopped"), atMs: fc.nat(20_000) }) },
  fc.constant({ type: "detector-lost" }),
  fc.record({
    type: fc.constant("update"),
    patch: fc.record({
      type: fc.constantFrom("transcription", "realtime"),
      turnDetection: fc.constantFrom(null, {}, { silenceMs: 100 }, { type: "semantic-vad" }),
      format: fc.constantFrom("pcm", "pcmu"),
    }),
    eventId,
  }),
) as fc.Arbitrary<SessionEvent>;
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: client.map((event): Step => ({ type: "client", event })) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("turn"),
      index: fc.nat(9),
      does: fc.constantFrom("say", "complete", "fail"),
    }) as fc.Arbitrary<Step>,
  },
);

/** The tasks of turns as a driver has them. */
function play(machine: SessionMachine, steps: readonly Step[]): readonly SessionAction[] {
  const all: SessionAction[] = [];
  const running: string[] = [];
  const end = (itemId: string) => {
    if (running.includes(itemId)) running.splice(running.indexOf(itemId), 1);
  };
  const take = (actions: readonly SessionAction[]) => {
    all.push(...actions);
    for (const action of actions) {
      if (action.type === "open-turn") running.push(action.turn.itemId);
      if (action.type === "drop-turn") end(action.itemId);
    }
  };
  take(machine.start());
  for (const next of steps) {
    if (next.type === "client") take(machine.handle(next.event));
    else {
      const itemId = running[next.index % Math.max(1, running.length)];
      if (itemId === undefined) continue;
      take(machine.handle(encodeTurn(itemId, next.does)));
      if (next.does !== "say") end(itemId);
    }
  }
  take(machine.handle({ type: "stop", reason: "expired", error: null, drains: true }));
  const left = running.splice(0);
  for (const itemId of left) take(machine.handle(encodeTurn(itemId, "complete")));
  return all;
}

function encodeTurn(itemId: string, does: "say" | "complete" | "fail"): SessionEvent {
  switch (does) {
    case "say":
      return { type: "text-delta", itemId, text: `${itemId} `, logprobs: null };
    case "complete":
      return { type: "turn-completed", itemId, heardMs: 1, language: null, tokens: TOKENS };
    case "fail":
      return { type: "turn-failed", itemId, error: BROKEN, ends: null };
  }
}

function checkEvents(events: readonly RealtimeEvent[], opened: readonly string[], dropped: ReadonlySet<string>): void {
  const indexOf = (type: RealtimeEvent["type"], itemId: string) =>
    events.findIndex((event) => event.type === type && "itemId" in event && event.itemId === itemId);
  let previous: string | null = null;
  for (const event of events) {
    if (event.type === "committed") {
      expect(event.previousItemId).toBe(previous);
      previous = event.itemId;
    }
  }
  for (const itemId of opened) {
    const ends = events.filter(
      (event) => (event.type === "turn-completed" || event.type === "turn-failed") && event.itemId === itemId,
    );
    const committedAt = indexOf("committed", itemId);
    // Each turn ends once, or was dropped: cleared, deleted, or open when the session ended.
    expect(ends.length).toBe(dropped.has(itemId) ? 0 : 1);
    if (ends.length === 0) continue;
    expect(committedAt).toBeGreaterThanOrEqual(0);
    expect(events.findIndex((event) => event === ends[0])).toBeGreaterThan(committedAt);
    const text = events.map((event) => (event.type === "text-delta" && event.itemId === itemId ? event.text : ""));
    const [end] = ends;
    if (end?.type === "turn-completed") expect(end.text).toBe(text.join(""));
  }
}

test("ids agree, a commit comes before its text's end, deltas joined are the text, and every turn ends once", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      let items = 0;
      const machine = createSessionMachine({
        id: "sess_1",
        expiresAtMs: 0,
        config: createConfig({ type: "transcription", model: null, transcriptionModel: "default" }),
        defaultModel: "default",
        turnMsMax: 5000,
        createItemId: () => `item_${(items += 1)}`,
        checkModel: () => null,
      });
      const actions = play(machine, steps);
      const events = actions.flatMap((action) => (action.type === "send" ? [action.event] : []));
      const opened = actions.flatMap((action) => (action.type === "open-turn" ? [action.turn.itemId] : []));
      const dropped = new Set(actions.flatMap((action) => (action.type === "drop-turn" ? [action.itemId] : [])));
      expect(new Set(opened).size).toBe(opened.length);
      checkEvents(events, opened, dropped);
      expect(actions.at(-1)).toMatchObject({ type: "end", reason: "expired" });
      expect(machine.hasEnded).toBe(true);
      let lastEnd = 0;
      for (const event of events) {
        if (event.type === "speech-started") expect(event.audioStartMs).toBeGreaterThanOrEqual(lastEnd);
        if (event.type === "speech-stopped") lastEnd = Math.floor(event.audioEndMs);
      }
    }),
    { numRuns: 500 },
  );
});
