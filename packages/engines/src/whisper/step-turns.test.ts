import { expect, test } from "vitest";
import { createStepTurns } from "./step-turns.ts";
import type { StepUrgency } from "./step-turns.ts";

const never = new AbortController().signal;

/** Calls that always have a step waiting, for so long; the time that each of them got. */
async function share(calls: readonly { urgency: StepUrgency; stepMs: number; until?: number }[], totalMs: number) {
  let nowMs = 0;
  const turns = createStepTurns(() => nowMs);
  const spent = calls.map(() => 0);
  await Promise.all(
    calls.map(async ({ urgency, stepMs, until = Infinity }, index) => {
      const call = {};
      while (nowMs < Math.min(until, totalMs)) {
        const step = async () => {
          nowMs += stepMs;
          spent[index] = (spent[index] ?? 0) + stepMs;
        };
        await turns.run(step, { call, urgency }, never);
      }
    }),
  );
  return spent;
}

test("calls of one urgency have the same time, however long their steps are", async () => {
  const [long = 0, short = 0] = await share(
    [
      { urgency: "recording", stepMs: 500 },
      { urgency: "recording", stepMs: 10 },
    ],
    20_000,
  );
  expect(Math.abs(long - short)).toBeLessThanOrEqual(510);
});

test("text that is waited for has most of the time, and drafts what is left of it", async () => {
  const [final = 0, recording = 0, ...drafts] = await share(
    [
      { urgency: "final", stepMs: 20 },
      { urgency: "recording", stepMs: 20 },
      ...Array.from({ length: 10 }, () => ({ urgency: "draft" as const, stepMs: 20 })),
    ],
    26_000,
  );
  const drafted = drafts.reduce((sum, spent) => sum + spent, 0);
  expect(final).toBeCloseTo(16_000, -3);
  expect(recording).toBeCloseTo(8000, -3);
  expect(drafted).toBeCloseTo(2000, -3);
});

test("drafts alone have all of the time, and what they had counts nothing once others come", async () => {
  const [draft = 0, late = 0] = await share(
    [
      { urgency: "draft", stepMs: 20, until: 10_000 },
      { urgency: "draft", stepMs: 20 },
    ],
    20_000,
  );
  expect(draft).toBeCloseTo(5000, -3);
  expect(late).toBeCloseTo(15_000, -3);
});

test("one step runs at a time, and a step that fails or is aborted makes way for the next one", async () => {
  const turns = createStepTurns();
  const options = { call: {}, urgency: "recording" } as const;
  let running = 0;
  const step = async () => {
    running += 1;
    expect(running).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return "done";
  };
  const failing = turns.run(() => Promise.reject(new Error("broken")), options, never);
  const controller = new AbortController();
  const gone = new Error("gone");
  const aborted = turns.run(step, options, controller.signal);
  const last = turns.run(step, { ...options, call: {} }, never);
  controller.abort(gone);
  await expect(aborted).rejects.toBe(gone);
  await expect(failing).rejects.toThrow("broken");
  expect(await last).toBe("done");
  await expect(turns.run(step, options, AbortSignal.abort(gone))).rejects.toBe(gone);
  expect(await turns.run(step, options, never)).toBe("done");
});
