/** The entry of a process whose model does on request what native code may do. */

import { spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { AiError } from "@openai-compat/core";
import { MESSAGE_PIPE } from "../message-pipe.ts";
import type { NativeAnswer, NativeLog, NativeModel, NativeStream } from "../native-model.ts";
import { runNativeChild } from "../run-native-child.ts";

export interface FaultySettings {
  /** What loading does. Default: it goes well. */
  readonly onOpen?: "refuse" | "throw" | "block" | "exit" | "never";
  /** What disposing does. Default: it goes well. */
  readonly onDispose?: "block" | "throw";
  /** How many lines its library logs. Default 1. */
  readonly lines?: number;
}

export interface FaultyModel extends NativeModel {
  readonly answers: {
    readonly echo: NativeAnswer<unknown, unknown>;
    /** How many calls have noticed that they were aborted. */
    readonly aborts: NativeAnswer<null, number>;
    readonly refuse: NativeAnswer<null, never>;
    readonly untilAborted: NativeAnswer<null, void>;
    readonly deaf: NativeAnswer<null, unknown>;
    readonly block: NativeAnswer<null, never>;
    readonly exit: NativeAnswer<number, never>;
    readonly environment: NativeAnswer<null, Readonly<Record<string, string | undefined>>>;
    readonly throwLater: NativeAnswer<null, void>;
    /** As native code that ends the process. */
    readonly crash: NativeAnswer<NodeJS.Signals, never>;
    /** Writes so many characters to standard error. */
    readonly flood: NativeAnswer<number, void>;
    /** Writes a text to standard error, as a library does. */
    readonly print: NativeAnswer<string, void>;
    /** Writes these bytes where its messages go, as native code that confuses descriptors. */
    readonly garbage: NativeAnswer<Uint8Array, unknown>;
    /** Answers what can't be cloned. */
    readonly unsendable: NativeAnswer<null, unknown>;
    /** Starts a process that holds this one's standard error for so many seconds, and ends this one. */
    readonly leaveHeir: NativeAnswer<number, never>;
  };
  readonly streams: {
    /** The numbers from 1, as fast as they are taken. */
    readonly count: NativeStream<number, number>;
    /** The same, one in 5 ms. */
    readonly slow: NativeStream<number, number>;
    /** Some numbers, then what can't be cloned, then more numbers, until it is aborted. */
    readonly unsendable: NativeStream<null, unknown>;
  };
}

/** What calls have noticed of their ends. */
interface Noticed {
  aborts: number;
}

async function openFaultyModel({ onOpen, onDispose, lines = 1 }: FaultySettings, log: NativeLog): Promise<FaultyModel> {
  for (let count = 0; count < lines; count += 1) log("warn", "a line of the library\nand another one");
  if (onOpen === "refuse") throw new AiError("engine_unavailable", "The file is damaged.", { cause: new Error("why") });
  if (onOpen === "throw") throw new Error("an unforeseen failure");
  if (onOpen === "block") block();
  if (onOpen === "exit") process.exit(7);
  if (onOpen === "never") await new Promise(() => {});
  const noticed: Noticed = { aborts: 0 };
  return {
    answers: createAnswers(noticed),
    streams: createStreams(noticed),
    async dispose() {
      if (onDispose === "block") block();
      if (onDispose === "throw") throw new Error("can't be disposed of");
    },
  };
}

function createAnswers(noticed: Noticed): FaultyModel["answers"] {
  return {
    echo: async (value: unknown) => value,
    aborts: async () => noticed.aborts,
    refuse: async () => {
      throw new AiError("invalid_value", "That is no value.", { param: "value", retryAfterMs: 250 });
    },
    untilAborted: async (_: null, signal: AbortSignal) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      noticed.aborts += 1;
      signal.throwIfAborted();
    },
    deaf: async () => new Promise(() => {}),
    block: async () => block(),
    exit: async (code: number) => process.exit(code),
    environment: async () => ({ ...process.env }),
    throwLater: async () => void setTimeout(() => throwUnforeseen(), 0),
    crash: async (signal: NodeJS.Signals) => {
      if (signal === "SIGABRT") process.abort();
      process.kill(process.pid, signal);
      return block();
    },
    flood: async (characters: number) => {
      const line = `Error: ${"x".repeat(992)}\n`;
      for (let written = 0; written < characters; written += line.length) await write(line);
    },
    print: (text: string) => write(text),
    garbage: async (bytes: Uint8Array) => {
      writeSync(MESSAGE_PIPE, bytes);
      return new Promise(() => {});
    },
    unsendable: async () => () => {},
    leaveHeir: async (seconds: number) => {
      const script = `setTimeout(() => {}, ${seconds * 1000})`;
      spawn(process.execPath, ["-e", script], { stdio: ["ignore", "ignore", "inherit"], detached: true }).unref();
      process.exit(3);
    },
  };
}

function createStreams(noticed: Noticed): FaultyModel["streams"] {
  return {
    async *count(to: number, signal: AbortSignal) {
      for (let number = 1; number <= to; number += 1) {
        signal.throwIfAborted();
        yield number;
      }
    },
    async *slow(to: number, signal: AbortSignal) {
      try {
        for (let number = 1; number <= to; number += 1) {
          yield number;
          await wait(5, undefined, { signal });
        }
      } finally {
        if (signal.aborted) noticed.aborts += 1;
      }
    },
    async *unsendable(_: null, signal: AbortSignal) {
      try {
        yield 1;
        yield () => {};
        for (;;) {
          await wait(5, undefined, { signal });
          yield 2;
        }
      } finally {
        if (signal.aborted) noticed.aborts += 1;
      }
    },
  };
}

/** What is not written before the process exits is lost. */
function write(text: string): Promise<void> {
  return new Promise((resolve) => process.stderr.write(text, () => resolve()));
}

/** As native code that never returns. */
function block(): never {
  for (;;);
}

function throwUnforeseen(): void {
  throw new Error("nobody catches this");
}

runNativeChild({ faulty: openFaultyModel });
