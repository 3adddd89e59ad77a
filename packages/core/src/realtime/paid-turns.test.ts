/** Whatever way a turn ends: its holds are resolved once, and what was heard is what is paid. */

import { expect, test, vi } from "vitest";
import { AiError } from "../ai-error.ts";
import { CLEAR, COMMIT, MANUAL, append, createTestService } from "../testing/open-test-session.ts";
import type { TestServiceOptions } from "../testing/open-test-session.ts";
import type { RealtimeSession } from "./realtime-session.ts";

const GRANTED = 1_000_000;
const SENT_MS = 2300;

type Opened = Awaited<ReturnType<ReturnType<typeof createTestService>["open"]>>;

interface Ending {
  readonly options?: (heard: { readonly last: () => number }) => TestServiceOptions;
  readonly end: (opened: Opened, heard: Promise<void>) => Promise<void>;
  readonly outcome: string;
}

const disconnect = (session: RealtimeSession) => session.close("disconnected");

const ENDINGS: Readonly<Record<string, Ending>> = {
  "is completed": {
    async end({ session, reader }) {
      await session.receive(COMMIT);
      await reader.until("turn-completed");
      await disconnect(session);
    },
    outcome: "completed",
  },
  "is cleared": {
    async end({ session }, heard) {
      await heard;
      await session.receive(CLEAR);
      await disconnect(session);
    },
    outcome: "left",
  },
  "fails in the engine": {
    options: ({ last }) => ({
      onHeard: async () => {
        if (last() >= 1500) throw new AiError("engine_failed", "The process ended.");
      },
    }),
    async end({ session, reader }) {
      await session.receive(COMMIT);
      await reader.until("turn-failed");
      await disconnect(session);
    },
    outcome: "engine_failed",
  },
  "loses its client": {
    end: async ({ session }, heard) => {
      await heard;
      await disconnect(session);
    },
    outcome: "left",
  },
  "is deleted as an item": {
    async end({ session, reader }, heard) {
      await heard;
      await session.receive(COMMIT);
      await reader.until("committed");
      const [committed] = reader.of("committed");
      await session.receive({ type: "delete-item", itemId: committed?.itemId ?? "", eventId: null });
      await disconnect(session);
    },
    options: () => ({ endsNever: true }),
    outcome: "left",
  },
  "is committed when the server stops": {
    async end({ session, reader }) {
      await session.receive(COMMIT);
      await session.close("shutting-down");
      expect(reader.of("turn-completed")).toHaveLength(1);
    },
    outcome: "completed",
  },
  "is open when the server stops": {
    async end({ session }, heard) {
      await heard;
      await session.close("shutting-down");
    },
    outcome: "left",
  },
};

test.each(Object.entries(ENDINGS))(
  "a turn that %s pays for what was heard, from holds that are resolved once",
  async (_title, ending) => {
    let heardMs = 0;
    const { promise: heard, resolve } = Promise.withResolvers<void>();
    const { onHeard = async () => {}, ...more } = ending.options?.({ last: () => heardMs }) ?? {};
    const { open, credits, records } = createTestService({
      ...more,
      granted: GRANTED,
      onHeard: async (ms) => {
        heardMs = ms;
        // Never ahead of what is held: a millisecond costs one.
        expect(ms).toBeLessThanOrEqual([...credits.holds.values()].reduce((sum, { amount }) => sum + amount, 0));
        if (ms >= 2000) resolve();
        await onHeard(ms);
      },
    });
    const settle = vi.spyOn(credits, "settle");
    const voided = vi.spyOn(credits, "void");
    const opened = await open();
    await opened.session.receive(MANUAL);
    for (let sent = 0; sent < SENT_MS; sent += 100) await opened.session.receive(append(100, true));
    await ending.end(opened, heard);
    expect(records).toMatchObject([{ outcome: ending.outcome, usage: { audioMs: heardMs }, chargedAmount: heardMs }]);
    expect(await credits.readBalance("ada")).toEqual({ balance: GRANTED - heardMs, held: 0 });
    const resolved = [...settle.mock.calls.map(([{ holdId }]) => holdId), ...voided.mock.calls.map(([id]) => id)];
    expect(new Set(resolved).size).toBe(resolved.length);
    expect(resolved.length).toBeGreaterThanOrEqual(Math.ceil(heardMs / 1000));
    expect(opened.reader.seen.at(-1)?.type).toBe("end");
  },
);

test("a turn that nothing was heard of costs nothing", async () => {
  const { open, credits, records } = createTestService({
    onTurn: (signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true })),
  });
  const { session } = await open();
  for (const input of [MANUAL, append(500, true)]) await session.receive(input);
  await vi.waitFor(() => expect(credits.holds.size).toBe(1), { timeout: 20_000 });
  await session.close("disconnected");
  expect(records).toMatchObject([{ outcome: "left", chargedAmount: 0 }]);
  expect(credits.entries).toEqual([]);
  expect(credits.holds.size).toBe(0);
});

test("credits that end in a turn end the session, and what was heard until then is paid", async () => {
  const { open, credits, records } = createTestService({ granted: 1500 });
  const { session, reader } = await open();
  await session.receive(MANUAL);
  for (let sent = 0; sent < 3000; sent += 100) await session.receive(append(100, true));
  await reader.done;
  expect(reader.of("error")).toMatchObject([{ error: { code: "quota_exceeded" } }]);
  expect(reader.of("end")).toMatchObject([{ reason: "quota" }]);
  await session.close("disconnected");
  expect(records).toMatchObject([{ outcome: "quota_exceeded", usage: { audioMs: 1000 }, chargedAmount: 1000 }]);
  expect(await credits.readBalance("ada")).toEqual({ balance: 500, held: 0 });
});

test("a detected turn without credits is committed, fails and ends the session", async () => {
  const { open, credits } = createTestService({ granted: 1200 });
  const { session, reader } = await open();
  await credits.hold({ id: "other", accountId: "ada", amount: 700, nowMs: 0, expiresAtMs: 1_000_000 });
  for (let sent = 0; sent < 500; sent += 100) await session.receive(append(100, true));
  await reader.done;
  expect(reader.types().slice(1)).toEqual([
    "speech-started",
    "speech-stopped",
    "committed",
    "item-added",
    "item-done",
    "turn-failed",
    "error",
    "end",
  ]);
});
