import { expect, test } from "vitest";
import { AiError } from "../ai-error.ts";
import { append, createTestService } from "../testing/open-test-session.ts";
import type { TestServiceOptions } from "../testing/open-test-session.ts";

/** A detector that says that speech has begun, and then hears nothing more until it may. */
async function openBehind(limits: TestServiceOptions["limits"], onCaughtUp: () => void) {
  const { promise: mayGoOn, resolve: goOn } = Promise.withResolvers<void>();
  let isBehind = true;
  const { open } = createTestService({
    limits: limits ?? {},
    onDetected: async () => {
      if (!isBehind) return;
      isBehind = false;
      await mayGoOn;
      onCaughtUp();
    },
  });
  const { session, reader } = await open();
  await session.receive(append(100, true));
  await reader.until("speech-started");
  const listTurns = () => {
    const ends = reader.of("speech-stopped").map(({ audioEndMs }) => audioEndMs);
    return reader.of("speech-started").map(({ audioStartMs }, index) => [audioStartMs, ends[index]]);
  };
  return { session, reader, goOn, listTurns };
}

test("what a detector that is behind says of a turn that was cut begins and ends no other one", async () => {
  const { session, reader, goOn, listTurns } = await openBehind({ turnMsMax: 1000 }, () => {});
  await session.receive(append(800, false));
  await session.receive(append(300, true));
  await session.receive(append(600, false));
  await reader.until("turn-completed");
  goOn();
  await reader.until("turn-completed", 2);
  await session.receive(append(200, true));
  await session.receive(append(600, false));
  await reader.until("turn-completed", 3);
  expect(listTurns()).toEqual([
    [0, 900],
    [900, 1700],
    [1700, 2500],
  ]);
  await session.close("disconnected");
});

test("a detector that breaks behind the end of its turn hears nothing of that turn again", async () => {
  const { session, reader, goOn, listTurns } = await openBehind({}, () => {
    throw new AiError("engine_failed", "The process ended.");
  });
  await session.receive(append(800, false));
  goOn();
  await reader.until("turn-completed");
  await session.receive(append(800, false));
  await session.receive(append(200, true));
  await session.receive(append(600, false));
  await reader.until("turn-completed", 2);
  expect(listTurns()).toEqual([
    [0, 900],
    [1400, 2400],
  ]);
  await session.close("disconnected");
});
