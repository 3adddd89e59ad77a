/** What a process of a native model, or the system, may do to the server, and must not. */

import { readdir } from "node:fs/promises";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { serialize } from "node:v8";
import { crc32 } from "node:zlib";
import type { ProcessEvent } from "@openai-compat/core";
import { expect, onTestFinished, test, vi } from "vitest";
import { createFakeClock } from "../residency/testing/fake-clock.ts";
import { MESSAGE_BYTES_MAX } from "./message-pipe.ts";
import { startNativeProcess } from "./native-process.ts";
import type { NativeProcess, NativeProcessOptions } from "./native-process.ts";
import type { FaultyModel } from "./testing/faulty-child.ts";

const never = new AbortController().signal;
const entry = new URL("./testing/faulty-child.ts", import.meta.url);

async function start(options: Partial<NativeProcessOptions> = {}): Promise<NativeProcess<FaultyModel>> {
  const process = await startNativeProcess<FaultyModel>({ kind: "faulty", settings: {}, entry, ...options });
  onTestFinished(() => process.close().catch(() => {}));
  return process;
}

async function collect<Item>(items: AsyncIterable<Item>, collected: Item[] = []): Promise<readonly Item[]> {
  for await (const item of items) collected.push(item);
  return collected;
}

test.skipIf(process.platform === "win32").each(["SIGSEGV", "SIGBUS", "SIGABRT"] as const)(
  "native code that ends its process by %s ends its calls, and the signal is named",
  async (signal) => {
    const { model, lost } = await start();
    const stream = collect(model.streams.slow(10_000, never));
    await expect(model.answers.crash(signal, never)).rejects.toMatchObject({
      code: "engine_failed",
      cause: { message: expect.stringContaining(signal) },
    });
    await expect(stream).rejects.toMatchObject({ code: "engine_failed" });
    expect(await lost).toContain(signal);
  },
);

test.skipIf(process.platform === "win32")(
  "a process that the system has stopped is killed for its silence",
  async () => {
    const clock = createFakeClock();
    const { pid, model, lost } = await start({ clock });
    process.kill(pid, "SIGSTOP");
    const silenced = expect(model.answers.echo(1, never)).rejects.toMatchObject({ code: "engine_failed" });
    await clock.advance(60_000);
    // What is to come after the exit is timed by the same clock.
    const timer = setInterval(() => void clock.advance(1000), 50);
    onTestFinished(() => clearInterval(timer));
    await silenced;
    expect(await lost).toContain("did not answer for 30000 ms");
  },
);

test("a load may be silent for longer than a loaded model", async () => {
  const clock = createFakeClock();
  const loading = start({ settings: { onOpen: "never" }, clock, limits: { loadTimeMsMax: 200_000 } });
  const refused = expect(loading).rejects.toMatchObject({
    cause: { message: expect.stringContaining("did not load the model within 200000 ms") },
  });
  await clock.advance(190_000);
  await clock.advance(10_000);
  const timer = setInterval(() => void clock.advance(1000), 50);
  onTestFinished(() => clearInterval(timer));
  await refused;
});

test("an argument, an answer or an event that can't be cloned fails its call alone", async () => {
  const { model } = await start();
  const stream = collect(model.streams.slow(100, never));
  const uncloned = expect.stringContaining("could not be cloned");
  await expect(model.answers.echo(() => {}, never)).rejects.toThrow("could not be cloned");
  await expect(model.answers.unsendable(null, never)).rejects.toMatchObject({
    code: "internal",
    cause: { message: uncloned },
  });
  const before: unknown[] = [];
  await expect(collect(model.streams.unsendable(null, never), before)).rejects.toMatchObject({
    cause: { message: uncloned },
  });
  expect(before).toEqual([1]);
  await vi.waitUntil(async () => (await model.answers.aborts(null, never)) === 1, { timeout: 20_000 });
  expect(await stream).toHaveLength(100);
});

const error = { code: "internal", message: "a", param: null, retryAfterMs: null, stack: null, cause: null };

test.each<[string, Uint8Array, RegExp]>([
  ["a text", Buffer.from("a line that native code prints\n"), /something that is no message/],
  ["zeros", new Uint8Array(64), /something that is no message/],
  ["a frame that says it is huge", frame([], { bytes: 0xff_ff_ff_ff }), /a message of 4294967295 bytes/],
  [
    "a frame that is one byte longer than one may be",
    frame([], { bytes: MESSAGE_BYTES_MAX + 1 }),
    /of 268435457 bytes/,
  ],
  ["a frame with other bytes", frame([], { checksum: 1 }), /a message that is damaged/],
  ["a frame with bytes that are no clone", frameBytes(Buffer.from("no clone")), /a message that can't be read/],
  ["no list of messages", frame({ type: "pong", rssBytes: 1 }), /something that is no message/],
  ["a message that nobody knows", frame([{ type: "pang" }]), /something that is no message/],
  ["the name of a member of all objects", frame([{ type: "toString" }]), /something that is no message/],
  ["an answer to nothing", frame([{ type: "answer", id: "1" }]), /something that is no message/],
  ["memory that is no number", frame([{ type: "pong", rssBytes: NaN }]), /something that is no message/],
  ["a list of functions that is none", frame([{ type: "opened", answers: [1], streams: [] }]), /no message/],
  ["a line that is no text", frame([{ type: "log", level: "warn", line: 1 }]), /something that is no message/],
  ["an error without a code", frame([{ type: "failed", id: 1, error: { ...error, code: "x" } }]), /no message/],
  ["an error with an odd cause", frame([{ type: "failed", id: 1, error: { ...error, cause: {} } }]), /no message/],
  ["an error that is none", frame([{ type: "open-failed", error: 1 }]), /something that is no message/],
])("garbage in the pipe of messages ends its process, and no other: %s", async (_title, bytes, reason) => {
  const { model, lost } = await start();
  const other = await start();
  const counted = collect(model.streams.slow(10_000, never));
  await expect(model.answers.garbage(bytes, never)).rejects.toMatchObject({ code: "engine_failed" });
  await expect(counted).rejects.toMatchObject({ code: "engine_failed" });
  expect(await lost).toMatch(new RegExp(`^it was killed because it sent .*${reason.source}`));
  expect(await other.model.answers.echo("alive", never)).toBe("alive");
});

test("messages before garbage are read, and one that nobody waits for is nothing", async () => {
  const { model, lost } = await start();
  const ignored = frame([{ type: "answer", id: 4711, value: 1 }]);
  const answer = frame([{ type: "answer", id: 1, value: "first" }]);
  const garbage = Buffer.concat([ignored, answer, Buffer.from("then garbage, twelve bytes at least")]);
  expect(await model.answers.garbage(garbage, never)).toBe("first");
  expect(await lost).toContain("something that is no message");
});

/** What `sendMessage` writes. */
function frame(message: unknown, claims: { readonly bytes?: number; readonly checksum?: number } = {}): Buffer {
  const bytes = frameBytes(serialize(message));
  if (claims.bytes !== undefined) bytes.writeUInt32BE(claims.bytes, 4);
  if (claims.checksum !== undefined) bytes.writeUInt32BE(claims.checksum, 8);
  return bytes;
}

function frameBytes(bytes: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.write("msg1");
  head.writeUInt32BE(bytes.length, 4);
  head.writeUInt32BE(crc32(bytes), 8);
  return Buffer.concat([head, bytes]);
}

test("a flood of standard error is read, and no more than its end is kept", async () => {
  const { model, lost } = await start();
  await model.answers.flood(20_000_000, never);
  expect(await model.answers.echo("alive", never)).toBe("alive");
  await expect(model.answers.exit(3, never)).rejects.toMatchObject({ code: "engine_failed" });
  expect(await lost).toMatch(/^it exited with code 3; its last words: Error: x{293}$/);
});

test("what ONNX Runtime writes to standard error is logged, and nothing else of it", async () => {
  const lines: string[] = [];
  const onEvent = (event: ProcessEvent) => event.type === "process-log" && lines.push(`${event.level}: ${event.line}`);
  const { model } = await start({ settings: { lines: 0 }, limits: { logLinesPerMinute: 3 }, onEvent });
  const head = "2026-11-30 01:02:03.1 [W:onnxruntime:, graph.cc:1 Clean]";
  for (const text of ["a text of a requ", `est\n${head} one\n${head} tw`, `o\n${`${head} more\n`.repeat(50)}`]) {
    await model.answers.print(text, never);
  }
  const limited = expect.stringMatching(/^error: .*3 in a minute/);
  await vi.waitFor(() => expect(lines).toEqual(["warn: one", "warn: two", "warn: more", limited]));
});

test("a process that leaves another one with its pipes is gone all the same, and its pipes are closed", async () => {
  const descriptorsBefore = await countDescriptors();
  const child = await start();
  const { model, lost } = child;
  await expect(model.answers.leaveHeir(15, never)).rejects.toMatchObject({ code: "engine_failed" });
  expect(await lost).toContain("code 3");
  await child.close();
  await vi.waitFor(async () => expect(await countDescriptors()).toBe(descriptorsBefore), { timeout: 10_000 });
});

test("where the program can't be started, the load says so", async () => {
  const { execPath } = process;
  process.execPath = "/nowhere/node";
  onTestFinished(() => void (process.execPath = execPath));
  await expect(start()).rejects.toMatchObject({
    code: "engine_unavailable",
    message: expect.stringContaining("can't be started"),
    cause: { code: "ENOENT" },
  });
});

test("an entry that can't be started at all is a failed load", async () => {
  await expect(start({ entry: new URL("http://localhost/child.ts") })).rejects.toMatchObject({
    code: "engine_unavailable",
    message: expect.stringContaining("can't be started"),
  });
});

/** Runs a script that writes lines and is to end by itself, with 60 descriptors at most. */
async function runScript(script: URL): Promise<{ lines: string[]; code: number | null }> {
  const command = 'ulimit -n 60; exec "$0" "$1"';
  const child = spawn("sh", ["-c", command, process.execPath, fileURLToPath(script)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  await once(child, "close");
  return { lines: text.trim().split("\n"), code: child.exitCode };
}

test.runIf(process.platform === "linux")(
  "a server without descriptors refuses the load, goes on, and loads when there are some again",
  async () => {
    const { lines, code } = await runScript(new URL("./testing/starved-server.ts", import.meta.url));
    expect(lines).toEqual([
      "engine_unavailable: The model can't be loaded: its process can't be started. The log of the server says why.",
      "loaded",
    ]);
    expect(code).toBe(0);
  },
);

test("a process whose server was killed while it started ends too, although its model blocks it", async () => {
  const { lines, code } = await runScript(new URL("./testing/lost-while-starting.ts", import.meta.url));
  expect(code).toBeNull();
  const isGone = () => {
    try {
      return !process.kill(Number(lines[0]), 0);
    } catch {
      return true;
    }
  };
  await vi.waitUntil(isGone, { timeout: 15_000, interval: 50 });
});

test.skipIf(process.platform === "win32")(
  "an idle process does not keep the server alive, one that answers does",
  async () => {
    const { lines, code } = await runScript(new URL("./testing/leaving-server.ts", import.meta.url));
    expect(lines).toEqual(["answered"]);
    expect(code).toBe(0);
  },
);

test("processes that come and go leave no descriptor, no listener and no process behind", async () => {
  const listeners = () => process.eventNames().map((name) => [name, process.listenerCount(name)]);
  const [descriptorsBefore, listenersBefore] = [await countDescriptors(), listeners()];
  const pids: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    const child = await start();
    const { pid, model } = child;
    pids.push(pid);
    await collect(model.streams.count(20, never));
    if (round % 2 === 0) await child.close();
    else await expect(model.answers.exit(1, never)).rejects.toMatchObject({ code: "engine_failed" });
  }
  await vi.waitFor(async () => expect(await countDescriptors()).toBe(descriptorsBefore), { timeout: 10_000 });
  expect(listeners()).toEqual(listenersBefore);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

/** 0 where the system does not tell. */
async function countDescriptors(): Promise<number> {
  await wait(10);
  return process.platform === "linux" ? (await readdir("/proc/self/fd")).length : 0;
}
