import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { AiError } from "@openai-compat/core";
import type { ProcessEvent } from "@openai-compat/core";
import { expect, onTestFinished, test, vi } from "vitest";
import { EVENTS_AHEAD_MAX } from "./host-protocol.ts";
import { startNativeProcess } from "./native-process.ts";
import type { NativeProcessOptions } from "./native-process.ts";
import type { NativeProcessLimits } from "./process-limits.ts";
import type { FaultyModel, FaultySettings } from "./testing/faulty-child.ts";

const never = new AbortController().signal;
const entry = new URL("./testing/faulty-child.ts", import.meta.url);

async function start(
  settings: FaultySettings = {},
  options: NativeProcessLimits & Pick<NativeProcessOptions, "onEvent" | "onServed"> = {},
) {
  const { onEvent, onServed, ...limits } = options;
  const process = await startNativeProcess<FaultyModel>({
    kind: "faulty",
    settings,
    entry,
    limits,
    ...(onEvent !== undefined && { onEvent }),
    ...(onServed !== undefined && { onServed }),
  });
  onTestFinished(() => process.close().catch(() => {}));
  return process;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

test("arguments and answers cross as they are", async () => {
  const { model } = await start();
  const value = { text: "ü😀", nothing: null, vector: Float32Array.of(0.5, -1), bytes: new Uint8Array([0, 255]) };
  const answer = await model.answers.echo(value, never);
  expect(answer).toEqual(value);
});

test("a stream gives all events in their order, however many they are", async () => {
  const { model } = await start();
  const numbers = await collect(model.streams.count(5_000, never));
  expect(numbers).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 1));
});

test("a stream that nobody reads comes no further than its credits", async () => {
  const { model } = await start();
  const numbers = model.streams.slow(1_000, never)[Symbol.asyncIterator]();
  expect((await numbers.next()).value).toBe(1);
  await wait(300);
  const counted: number[] = [];
  // What lies here comes at once; what is yet to be made takes its time.
  for (let index = 0; index < EVENTS_AHEAD_MAX - 1; index += 1) counted.push((await numbers.next()).value ?? 0);
  expect(counted.at(-1)).toBe(EVENTS_AHEAD_MAX);
  await numbers.return?.();
});

test("an AiError crosses with its code, its parameter and its delay", async () => {
  const { model } = await start();
  const refused: unknown = await model.answers.refuse(null, never).catch((thrown: unknown) => thrown);
  expect(refused).toBeInstanceOf(AiError);
  expect(refused).toMatchObject({
    code: "invalid_value",
    message: "That is no value.",
    param: "value",
    retryAfterMs: 250,
  });
});

test("an abort ends the call in the process, and throws the signal's own reason here", async () => {
  const { model } = await start();
  const controller = new AbortController();
  const gone = new Error("gone");
  const call = model.answers.untilAborted(null, controller.signal);
  await wait(20);
  controller.abort(gone);
  await expect(call).rejects.toBe(gone);
  expect(await model.answers.aborts(null, never)).toBe(1);
});

test("a consumer that leaves ends the stream in the process before its own wait ends", async () => {
  const { model } = await start();
  for await (const number of model.streams.slow(1_000, never)) if (number === 3) break;
  expect(await model.answers.aborts(null, never)).toBe(1);
});

test("calls that run when the process is killed get one error each, and the loss is reported", async () => {
  const { model, pid, lost } = await start();
  const calls = [1, 2, 3, 4].map(() => collect(model.streams.slow(10_000, never)));
  const asked = model.answers.deaf(null, never);
  await wait(50);
  process.kill(pid, "SIGKILL");
  const outcomes = await Promise.allSettled([...calls, asked]);
  for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: "engine_failed" } });
  expect(await lost).toContain("SIGKILL");
  await expect(model.answers.echo(1, never)).rejects.toMatchObject({ code: "engine_failed" });
});

test("what a stream gave before the process ended is still read", async () => {
  const { model, pid } = await start();
  const numbers = model.streams.slow(10_000, never)[Symbol.asyncIterator]();
  await numbers.next();
  await wait(200);
  process.kill(pid, "SIGKILL");
  await wait(200);
  for (let number = 2; number <= EVENTS_AHEAD_MAX; number += 1) expect((await numbers.next()).value).toBe(number);
  await expect(numbers.next()).rejects.toMatchObject({ code: "engine_failed" });
});

test("an error that nobody catches in the process ends it with its last words", async () => {
  const { model, lost } = await start();
  await model.answers.throwLater(null, never);
  expect(await lost).toContain("nobody catches this");
});

test("a process that answers no ping is killed", async () => {
  const { model, lost } = await start({}, { answerTimeMsMax: 5_000 });
  const blocked = model.answers.block(null, never);
  await expect(blocked).rejects.toMatchObject({ code: "engine_failed" });
  expect(await lost).toContain("did not answer for 5000 ms");
}, 30_000);

test("a call that goes on after its abort ends with its process", async () => {
  const { model, lost } = await start({}, { abortTimeMsMax: 100 });
  const controller = new AbortController();
  const call = model.answers.deaf(null, controller.signal);
  controller.abort(new Error("gone"));
  await expect(call).rejects.toMatchObject({ code: "engine_failed" });
  expect(await lost).toContain("aborted call for 100 ms");
});

test("a load that is refused or throws in the process, or ends it, is an error with its cause", async () => {
  await expect(start({ onOpen: "refuse" })).rejects.toMatchObject({
    code: "engine_unavailable",
    message: "The file is damaged.",
    cause: { message: "why" },
  });
  await expect(start({ onOpen: "throw" })).rejects.toMatchObject({ cause: { message: "an unforeseen failure" } });
  const exited = { code: "engine_unavailable", cause: { message: expect.stringContaining("code 7") } };
  await expect(start({ onOpen: "exit" })).rejects.toMatchObject(exited);
});

test.each(["never", "block"] as const)("a load that takes too long ends with its process: %s", async (onOpen) => {
  await expect(start({ onOpen }, { loadTimeMsMax: 2_000 })).rejects.toMatchObject({
    code: "engine_unavailable",
    cause: { message: expect.stringContaining("did not load the model within 2000 ms") },
  });
});

test("close ends the process; one that does not exit in time is killed", async () => {
  const good = await start();
  await good.close();
  expect(isAlive(good.pid)).toBe(false);
  const stuck = await start({ onDispose: "block" }, { exitTimeMsMax: 200 });
  await expect(stuck.close()).rejects.toThrow("did not exit within 200 ms");
  expect(isAlive(stuck.pid)).toBe(false);
  const failing = await start({ onDispose: "throw" });
  await expect(failing.close()).rejects.toThrow("can't be disposed of");
  expect(isAlive(failing.pid)).toBe(false);
});

test.each(["block", "wait"])(
  "no process outlives a killed server by 5 s, also one that does nothing but %s",
  async (what) => {
    const parent = spawn(
      process.execPath,
      [fileURLToPath(new URL("./testing/lost-parent.ts", import.meta.url)), what],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    onTestFinished(() => void parent.kill("SIGKILL"));
    const [written] = await once(parent.stdout.setEncoding("utf8"), "data");
    const pid = Number(written);
    expect(isAlive(pid)).toBe(true);
    await wait(100);
    parent.kill("SIGKILL");
    await vi.waitUntil(() => !isAlive(pid), { timeout: 5_000, interval: 50 });
  },
  30_000,
);

test("a server that exits without closing its models leaves no process", async () => {
  const script = fileURLToPath(new URL("./testing/lost-parent.ts", import.meta.url));
  const parent = spawn(process.execPath, [script, "block"], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void parent.kill("SIGKILL"));
  const [written] = await once(parent.stdout.setEncoding("utf8"), "data");
  parent.kill("SIGTERM");
  await vi.waitUntil(() => !isAlive(Number(written)), { timeout: 5_000, interval: 50 });
}, 30_000);

test("the process gets no secret of the environment", async () => {
  const secrets = ["OPENAI_COMPAT_TEST_SECRET", "LLAMA_API_KEY", "NVIDIA_NGC_TOKEN"];
  for (const name of secrets) process.env[name] = "secret";
  onTestFinished(() => {
    for (const name of secrets) delete process.env[name];
  });
  const { model } = await start();
  const environment = await model.answers.environment(null, never);
  expect(Object.keys(environment)).toContain("PATH");
  expect(Object.values(environment)).not.toContain("secret");
});

test("a signal for the whole group does not end the process", async () => {
  const { model, pid } = await start();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(pid, signal);
  await wait(100);
  expect(await model.answers.echo("alive", never)).toBe("alive");
});

test("the life of a process is reported: its start, its memory, lines of its library, its end", async () => {
  const events: ProcessEvent[] = [];
  const { pid, close } = await start({}, { onEvent: (event) => events.push(event) });
  await close();
  const rssBytes = expect.toSatisfy((bytes: number) => bytes > 10_000_000);
  expect(events.filter(({ type }) => type !== "process-memory")).toEqual([
    { type: "process-start", pid },
    { type: "process-log", pid, level: "warn", line: "a line of the library" },
    { type: "process-end", pid },
  ]);
  expect(events).toContainEqual({ type: "process-memory", pid, rssBytes });
});

test("a process that can't load its model is reported too, however it ends", async () => {
  for (const onOpen of ["refuse", "exit"] as const) {
    const types: string[] = [];
    await expect(start({ onOpen }, { onEvent: ({ type }) => types.push(type) })).rejects.toThrow("The ");
    expect([types.at(0), types.at(-1)]).toEqual(["process-start", "process-end"]);
  }
});

test("a flood of lines of the library ends at the limit, in the process itself", async () => {
  const lines: string[] = [];
  const onEvent = (event: ProcessEvent) => event.type === "process-log" && lines.push(event.line);
  await start({ lines: 100_000 }, { logLinesPerMinute: 3, onEvent });
  expect(lines).toEqual([...Array(3).fill("a line of the library"), expect.stringContaining("3 in a minute")]);
});

test("a stream that ended as it should is reported, one that was left is not", async () => {
  let served = 0;
  const { model } = await start({}, { onServed: () => (served += 1) });
  for await (const number of model.streams.slow(100, never)) if (number === 2) break;
  expect(served).toBe(0);
  await collect(model.streams.count(20, never));
  expect(served).toBe(1);
});
