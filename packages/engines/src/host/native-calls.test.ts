/** Both ends of the connection over queues that a test empties in any order: what holds however messages, aborts and deaths fall. */

import { AiError } from "@openai-compat/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createFakeClock, settled } from "../residency/testing/fake-clock.ts";
import type { FakeClock } from "../residency/testing/fake-clock.ts";
import { EVENTS_AHEAD_MAX } from "./host-protocol.ts";
import type { ChildMessage, ParentMessage } from "./host-protocol.ts";
import { NativeCalls } from "./native-calls.ts";
import type { NativeModel } from "./native-model.ts";
import { serveNativeModel } from "./serve-native-model.ts";

const never = new AbortController().signal;

interface Connection {
  readonly calls: NativeCalls;
  readonly clock: FakeClock;
  /** What is on its way. */
  readonly toChild: ParentMessage[];
  readonly toParent: ChildMessage[];
  readonly running: () => number;
  readonly stuck: () => number;
  /** How many events of a stream were computed, by the number that it was called with. */
  readonly computed: ReadonlyMap<number, number>;
  /** How often the child has said that a call is over, by the call's id. */
  readonly endings: ReadonlyMap<number, number>;
  deliverToChild(): Promise<void>;
  deliverToParent(): Promise<void>;
  die(): Promise<void>;
}

async function connect(): Promise<Connection> {
  const clock = createFakeClock();
  const [toChild, toParent]: [ParentMessage[], ChildMessage[]] = [[], []];
  const computed = new Map<number, number>();
  const endings = new Map<number, number>();
  let [running, stuck, isDead] = [0, 0, false];
  let receive = (_message: ParentMessage): void => {};
  serveNativeModel(
    {
      send(messages) {
        for (const message of messages) {
          if ("id" in message && message.type !== "event") endings.set(message.id, (endings.get(message.id) ?? 0) + 1);
          if (!isDead) toParent.push(structuredClone(message));
        }
      },
      receive: (listener) => (receive = listener),
    },
    { counting: async () => createCountingModel(computed) },
    () => {},
  );
  const calls = new NativeCalls({
    send: (message) => void toChild.push(structuredClone(message)),
    abortTimeMsMax: 1000,
    onStuck: () => (stuck += 1),
    onCount: (count) => (running = count),
    onServed: () => {},
    clock,
  });
  receive({ type: "open", kind: "counting", settings: null, logLinesPerMinute: 1 });
  await settled();
  await settled();
  expect(toParent.shift()).toMatchObject({ type: "opened", answers: ["echo", "refuse", "untilAborted"] });
  return {
    calls,
    clock,
    toChild,
    toParent,
    running: () => running,
    stuck: () => stuck,
    computed,
    endings,
    async deliverToChild() {
      const message = toChild.shift();
      if (message !== undefined && !isDead) receive(message);
      await settled();
      await settled();
    },
    async deliverToParent() {
      const message = toParent.shift();
      if (message !== undefined && "id" in message) calls.receive(message);
      await settled();
    },
    async die() {
      isDead = true;
      calls.fail(() => new AiError("engine_failed", "lost"));
      await settled();
    },
  };
}

function createCountingModel(computed: Map<number, number>): NativeModel {
  return {
    answers: {
      echo: async (value: number) => value,
      refuse: async () => {
        throw new AiError("invalid_value", "no");
      },
      untilAborted: (_: null, signal: AbortSignal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        }),
    },
    streams: {
      async *count(to: number, signal: AbortSignal) {
        for (let number = 1; number <= to; number += 1) {
          signal.throwIfAborted();
          computed.set(to, number);
          yield number;
        }
      },
    },
    dispose: async () => {},
  };
}

type Step =
  | { readonly type: "ask"; readonly name: "echo" | "refuse" | "untilAborted" }
  | { readonly type: "listen"; readonly length: number }
  | { readonly type: "pull" | "abort" | "leave"; readonly call: number }
  | { readonly type: "to child" | "to parent" | "death" };

const call = fc.nat({ max: 7 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("ask"), name: fc.constantFrom("echo", "refuse", "untilAborted") }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("listen"), length: fc.nat({ max: 40 }) }) },
  { weight: 16, arbitrary: fc.record({ type: fc.constant("pull"), call }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom("abort", "leave"), call }) },
  { weight: 24, arbitrary: fc.record({ type: fc.constantFrom("to child", "to parent") }) },
);

/** A call as its caller sees it. */
class SeenCall {
  readonly controller = new AbortController();
  readonly reason = new Error("gone");
  settlements = 0;
  failure: unknown = null;
  abort(): void {
    this.controller.abort(this.reason);
  }
}

class SeenStream extends SeenCall {
  readonly length: number;
  readonly items: unknown[] = [];
  hasLeft = false;
  #pending = Promise.resolve();
  readonly #iterator: AsyncGenerator<unknown, void>;

  constructor(calls: NativeCalls, length: number) {
    super();
    this.length = length;
    this.#iterator = calls.listen("count", length, this.controller.signal);
  }

  pull(): void {
    const next = this.#iterator.next();
    this.#pending = this.#pending
      .then(() => next)
      .then(
        ({ done, value }) => {
          if (done === true) this.#settle();
          else this.items.push(value);
        },
        (thrown: unknown) => {
          this.failure = thrown;
          this.#settle();
        },
      );
  }

  leave(): void {
    this.hasLeft = true;
    void this.#iterator.return().catch(() => {});
  }

  /** Of an iterator that has ended, every further step says so again. */
  #settle(): void {
    this.settlements = 1;
  }
}

async function runSteps(steps: readonly Step[]): Promise<void> {
  const connection = await connect();
  const { calls } = connection;
  const seen: SeenCall[] = [];
  const streams: SeenStream[] = [];
  /** Lengths serve as names, so each is taken once. */
  const taken = new Set<number>();
  let isDead = false;
  for (const each of steps) {
    switch (each.type) {
      case "ask": {
        const asked = new SeenCall();
        seen.push(asked);
        calls.ask(each.name, each.name === "echo" ? 7 : null, asked.controller.signal).then(
          (value) => {
            asked.settlements += 1;
            expect([each.name, value]).toEqual(["echo", 7]);
          },
          (thrown: unknown) => {
            asked.settlements += 1;
            asked.failure = thrown;
          },
        );
        break;
      }
      case "listen": {
        if (taken.has(each.length)) break;
        taken.add(each.length);
        const stream = new SeenStream(calls, each.length);
        stream.pull();
        streams.push(stream);
        seen.push(stream);
        break;
      }
      case "pull":
        streams[each.call]?.pull();
        break;
      case "abort":
        seen[each.call]?.abort();
        break;
      case "leave":
        streams[each.call]?.leave();
        break;
      case "to child":
        await connection.deliverToChild();
        break;
      case "to parent":
        await connection.deliverToParent();
        break;
      case "death":
        isDead = true;
        await connection.die();
    }
    await settled();
    for (const { length, items } of streams) {
      expect(connection.computed.get(length) ?? 0).toBeLessThanOrEqual(items.length + 1 + EVENTS_AHEAD_MAX);
    }
  }
  await finish(connection, seen, streams);
  expect(connection.running()).toBe(0);
  expect(connection.stuck()).toBe(0);
  for (const { settlements, failure, controller, reason } of seen) {
    expect(settlements).toBe(1);
    if (failure === null || failure === reason) continue;
    expect(failure).toMatchObject({
      code: isDead ? expect.stringMatching(/engine_failed|invalid_value/) : "invalid_value",
    });
    if (failure === reason) expect(controller.signal.aborted).toBe(true);
  }
  for (const stream of streams) expectNoGap(stream);
  if (!isDead) for (const count of connection.endings.values()) expect(count).toBe(1);
}

/** Everything arrives, every stream is read to its end, and who still waits gives up. */
async function finish(connection: Connection, seen: readonly SeenCall[], streams: readonly SeenStream[]) {
  const deliverAll = async () => {
    while (connection.toChild.length + connection.toParent.length > 0) {
      await connection.deliverToChild();
      await connection.deliverToParent();
    }
  };
  await deliverAll();
  for (let round = 0; round < 60; round += 1) {
    for (const stream of streams) if (stream.settlements === 0) stream.pull();
    await settled();
    await deliverAll();
  }
  for (const waiting of seen) if (waiting.settlements === 0) waiting.abort();
  await deliverAll();
  for (const stream of streams) if (stream.settlements === 0) stream.pull();
  await settled();
}

function expectNoGap({ items, length, failure, hasLeft }: SeenStream): void {
  expect(items).toEqual(items.map((_, index) => index + 1));
  if (failure === null && !hasLeft) expect(items).toHaveLength(length);
}

test("however messages, aborts and consumers cross, each call settles once, and no event is lost, moved or early", async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 120 }), runSteps), { numRuns: 60 });
});

test("the same where the process dies in between", async () => {
  const cut = fc.tuple(fc.array(step, { maxLength: 60 }), fc.array(step, { maxLength: 20 }));
  const property = fc.asyncProperty(cut, ([before, after]) => runSteps([...before, { type: "death" }, ...after]));
  await fc.assert(property, { numRuns: 60 });
});

test("a call that goes on for too long after its abort, or after its consumer has left, is reported", async () => {
  const { calls, clock, stuck, deliverToChild } = await connect();
  const controller = new AbortController();
  const asked = calls.ask("untilAborted", null, controller.signal);
  await deliverToChild();
  controller.abort(new Error("gone"));
  await clock.advance(999);
  expect(stuck()).toBe(0);
  await clock.advance(1);
  expect(stuck()).toBe(1);
  calls.fail(() => new AiError("engine_failed", "lost"));
  await expect(asked).rejects.toMatchObject({ code: "engine_failed" });
});

test("a stream is ahead of its consumer by its credits, from its first event to its last", async () => {
  const { calls, computed, deliverToChild, deliverToParent, toChild, toParent } = await connect();
  const numbers = calls.listen("count", 100, never);
  for (let consumed = 1; consumed <= 100; consumed += 1) {
    const next = numbers.next();
    while (toChild.length + toParent.length > 0) {
      await deliverToChild();
      await deliverToParent();
    }
    expect((await next).value).toBe(consumed);
    const ahead = (computed.get(100) ?? 0) - consumed;
    expect(ahead).toBeLessThanOrEqual(EVENTS_AHEAD_MAX);
    if (consumed + EVENTS_AHEAD_MAX <= 100) expect(ahead).toBeGreaterThanOrEqual(EVENTS_AHEAD_MAX / 2);
  }
});

test.each(["leaves", "aborts"])("a consumer that %s while the stream waits for its credits ends it", async (how) => {
  const { calls, running, deliverToChild, deliverToParent, toChild, toParent } = await connect();
  const deliverAll = async () => {
    while (toChild.length + toParent.length > 0) {
      await deliverToChild();
      await deliverToParent();
    }
  };
  const controller = new AbortController();
  const numbers = calls.listen("count", 100, controller.signal);
  const first = numbers.next();
  await deliverAll();
  expect((await first).value).toBe(1);
  const gone = new Error("gone");
  const left = how === "leaves" ? numbers.return() : null;
  if (left === null) controller.abort(gone);
  await settled();
  await deliverAll();
  expect(running()).toBe(0);
  if (left !== null) expect(await left).toEqual({ done: true, value: undefined });
  else await expect(drain(numbers)).rejects.toBe(gone);
});

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _item of items);
}
