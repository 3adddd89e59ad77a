/** Whatever a client does and an engine breaks in a session: its holds are resolved, and what was heard is what is paid. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { AiError } from "../ai-error.ts";
import { CLEAR, COMMIT, MANUAL, append, createTestService, update } from "../testing/open-test-session.ts";
import type { RealtimeInput } from "./realtime-session.ts";

const GRANTED = 1_000_000;

const input: fc.Arbitrary<RealtimeInput> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.integer({ min: 1, max: 900 }), fc.boolean()).map((sound) => append(...sound)) },
  { weight: 2, arbitrary: fc.constant(COMMIT) },
  fc.constantFrom(CLEAR, MANUAL, update({ turnDetection: { silenceMs: 200 } }), update({ format: "pcm" })),
  fc
    .constantFrom("item_2", "item_3", "item_9")
    .map((itemId) => ({ type: "delete-item" as const, itemId, eventId: null })),
);
const settled = () => new Promise((resolve) => void setImmediate(resolve));

interface Script {
  readonly inputs: readonly RealtimeInput[];
  /** After how many pieces the engine breaks, and breaks again. */
  readonly breaksEvery: number;
  /** After how many inputs the client waits for what comes. */
  readonly restsEvery: number;
  readonly ending: "disconnected" | "shutting-down";
}

const script: fc.Arbitrary<Script> = fc.record({
  inputs: fc.array(input, { maxLength: 40, size: "max" }),
  breaksEvery: fc.constantFrom(7, 31, 1_000_000),
  restsEvery: fc.integer({ min: 1, max: 10 }),
  ending: fc.constantFrom("disconnected", "shutting-down"),
});

test("holds are resolved, what was heard is paid, and every committed turn ends once", async () => {
  const property = fc.asyncProperty(script, async ({ inputs, breaksEvery, restsEvery, ending }) => {
    let pieces = 0;
    const breakNowAndThen = async () => {
      pieces += 1;
      if (pieces % breaksEvery === 0) throw new AiError("engine_failed", "The process ended.");
    };
    const { open, credits, records } = createTestService({
      granted: GRANTED,
      onHeard: breakNowAndThen,
      limits: { bufferMsMax: 2000, turnMsMax: 3000, holdMs: 700 },
    });
    const { session, reader } = await open();
    for (const [index, next] of inputs.entries()) {
      await session.receive(next);
      if (index % restsEvery === 0) await settled();
    }
    await session.close(ending);
    await reader.done;
    const charged = records.reduce((sum, { chargedAmount }) => sum + chargedAmount, 0);
    expect(charged).toBe(records.reduce((sum, { usage }) => sum + usage.audioMs, 0));
    expect(charged).toBe(session.counts.heardMs);
    expect(await credits.readBalance("ada")).toEqual({ balance: GRANTED - charged, held: 0 });
    expect(reader.seen.at(-1)).toMatchObject({ type: "end", reason: ending });
    const ids = (type: "committed" | "turn-completed" | "turn-failed") => reader.of(type).map(({ itemId }) => itemId);
    const ended = [...ids("turn-completed"), ...ids("turn-failed")];
    expect(new Set(ended).size).toBe(ended.length);
    const deleted = reader.of("item-deleted").map(({ itemId }) => itemId);
    const open_ = ids("committed").filter((id) => !ended.includes(id) && !deleted.includes(id));
    if (ending === "shutting-down") expect(open_).toEqual([]);
    for (const { itemId, text } of reader.of("turn-completed")) {
      const deltas = reader.of("text-delta").filter((delta) => delta.itemId === itemId);
      expect(deltas.map((delta) => delta.text).join("")).toBe(text);
    }
  });
  await fc.assert(property, { numRuns: 80 });
});
