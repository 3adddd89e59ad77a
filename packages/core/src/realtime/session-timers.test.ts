import { expect, onTestFinished, test, vi } from "vitest";
import { createSessionTimers } from "./session-timers.ts";

const LIMITS = {
  sessionMsMax: 3_600_000,
  idleMsMax: 600_000,
  bufferMsMax: 30_000,
  turnMsMax: 60_000,
  holdMs: 1000,
  credentialCheckMs: 30_000,
};

test("a session that drains, and is ended once more, still drains for so long only", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const [onExpire, onIdle, onCredentialDue, onOver] = [vi.fn(), vi.fn(), vi.fn(), vi.fn()];
  const timers = createSessionTimers(LIMITS, { onExpire, onIdle, onCredentialDue });
  for (let told = 0; told < 2; told += 1) {
    timers.stop();
    timers.startDrain(onOver);
  }
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(onOver).toHaveBeenCalledTimes(1);
  timers.stop();
});
