/**
 * The process of one native model: started, asked to load, watched, and ended. One that crashes, or does not answer any more, takes its own
 * calls with it and nothing else.
 */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { Socket } from "node:net";
import { Duplex, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { AiError, decodeAiError } from "@openai-compat/core";
import type { ProcessEvent } from "@openai-compat/core";
import { SYSTEM_CLOCK } from "../residency/clock.ts";
import type { Clock } from "../residency/clock.ts";
import { BYTE_PIPE } from "./byte-pipe.ts";
import { childEnvironment } from "./child-environment.ts";
import { explainExit } from "./explain-exit.ts";
import type { ChildExit } from "./explain-exit.ts";
import { decodeChildMessages } from "./decode-child-messages.ts";
import type { ChildMessage, ParentMessage } from "./host-protocol.ts";
import { MESSAGE_PIPE, receiveMessages, sendMessage } from "./message-pipe.ts";
import { NativeCalls } from "./native-calls.ts";
import type { NativeKind, NativeModelOf, NativeSettings } from "./native-kinds.ts";
import { decodeOnnxLine, limitLines } from "./native-lines.ts";
import type { NativeLine, NativeModel } from "./native-model.ts";
import { resolveProcessLimits } from "./process-limits.ts";
import type { NativeProcessLimits, ResolvedProcessLimits } from "./process-limits.ts";

export interface NativeProcessOptions {
  readonly kind: string;
  readonly settings: unknown;
  readonly limits?: NativeProcessLimits;
  /** Default: nobody. */
  readonly onEvent?: (event: ProcessEvent) => void;
  /** Called when a stream has ended as it should. Default: nobody. */
  readonly onServed?: () => void;
  /** Of the JavaScript heap of the process, native memory not counted, in MiB. Default: that of Node.js. */
  readonly heapMibMax?: number;
  /** Whether files can be written to it. Default: no. */
  readonly hasBytePipe?: boolean;
  /** The module that the process runs. Default: the one that knows all native kinds. */
  readonly entry?: URL;
  /** Default: the system's. */
  readonly clock?: Clock;
}

export interface NativeProcess<Model extends NativeModel> {
  readonly pid: number;
  /** Its functions throw AiError `engine_failed` when the process ends while they run. */
  readonly model: Pick<Model, "answers" | "streams">;
  /** What `openByteReader` reads in the process; null without `hasBytePipe`. */
  readonly bytePipe: Writable | null;
  /** Resolves when the process has ended otherwise than by `close`, with the reason as a sentence for people. */
  readonly lost: Promise<string>;
  /** Disposes of the model and ends the process, with SIGKILL where it takes too long. @throws Error when it had to be killed */
  close(): Promise<void>;
}

/** The process ended while a call ran in it. */
export class NativeProcessLostError extends AiError {
  constructor(cause: Error) {
    super("engine_failed", "The process of the model ended while it answered. Please try again.", { cause });
  }
}

const PING_MS = 5_000;
/** Characters of standard error that are kept. */
const ERROR_TEXT_MAX = 4_096;
/** Characters of a line of it that are looked at. */
const ERROR_LINE_MAX = 2_000;
/** How long after its exit the last messages of a process are waited for, where its pipes stay open. */
const LAST_MESSAGES_MS_MAX = 1_000;

const LOAD_LOST = "The model can't be loaded: its process ended. The log of the server says why.";
const NOT_STARTED = "The model can't be loaded: its process can't be started. The log of the server says why.";

/** Of the bundle, or of the sources. */
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./native-child.ts" : "./native-child.js", import.meta.url);

/** Also where the server ends without closing its engines. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** The kinds of this package, with the types of their settings and models. */
export async function startNativeModel<Kind extends NativeKind>(
  kind: Kind,
  settings: NativeSettings<Kind>,
  options: Omit<NativeProcessOptions, "kind" | "settings"> = {},
): Promise<NativeProcess<NativeModelOf<Kind>>> {
  return startNativeProcess<NativeModelOf<Kind>>({ ...options, kind, settings });
}

/** @throws AiError what the load threw in the process; `engine_unavailable` when the process can't be started, or ended */
export async function startNativeProcess<Model extends NativeModel>(
  options: NativeProcessOptions,
): Promise<NativeProcess<Model>> {
  const child = startChild(options);
  const opened = await child.load();
  return {
    pid: child.pid,
    model: child.connect<Model>(opened),
    bytePipe: child.bytePipe,
    lost: child.lost,
    close: () => child.close(),
  };
}

/** Where the system lacks memory or descriptors, the start throws at once. */
function startChild(options: NativeProcessOptions): NativeChild {
  try {
    return new NativeChild(options);
  } catch (thrown) {
    throw new AiError("engine_unavailable", NOT_STARTED, { cause: thrown });
  }
}

type Opened = Extract<ChildMessage, { type: "opened" }>;

class NativeChild {
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #limits: ResolvedProcessLimits;
  readonly #options: NativeProcessOptions;
  readonly #calls: NativeCalls;
  readonly #opened = Promise.withResolvers<Opened>();
  readonly #exited = Promise.withResolvers<ChildExit>();
  readonly #lost = Promise.withResolvers<string>();
  #state: "loading" | "loaded" | "closing" | "exited" = "loading";
  #killedFor: string | null = null;
  #errorText = "";
  /** Of standard error. */
  #restOfLine = "";
  readonly #logLine: (line: NativeLine) => void;
  #missedPings = 0;
  #stopPings = (): void => {};

  constructor(options: NativeProcessOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#limits = resolveProcessLimits(options.limits ?? {});
    this.#logLine = limitLines((line) => this.#tell({ type: "process-log", pid: this.pid, ...line }), {
      linesPerMinute: this.#limits.logLinesPerMinute,
      nowMs: () => this.#clock.nowMs(),
    });
    const flags = options.heapMibMax === undefined ? [] : [`--max-old-space-size=${options.heapMibMax}`];
    this.#child = spawn(process.execPath, [...flags, fileURLToPath(options.entry ?? ENTRY), String(process.pid)], {
      env: childEnvironment(process.env),
      // On Windows, only such a pipe is read and written at the same time.
      stdio: ["ignore", "ignore", "pipe", "overlapped", ...(options.hasBytePipe === true ? (["pipe"] as const) : [])],
      windowsHide: true,
    });
    running.add(this.#child);
    if (this.#child.pid !== undefined) this.#tell({ type: "process-start", pid: this.pid });
    this.#calls = new NativeCalls({
      send: (message) => this.#send(message),
      abortTimeMsMax: this.#limits.abortTimeMsMax,
      onStuck: () => this.#kill(`it went on with an aborted call for ${this.#limits.abortTimeMsMax} ms`),
      onCount: (calls) => this.#holdServer(calls > 0),
      onServed: options.onServed ?? (() => {}),
      clock: this.#clock,
    });
    this.#opened.promise.catch(() => {});
    this.#listen();
    this.#ping();
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get bytePipe(): Writable | null {
    // One that was not started has none.
    if (this.#child.pid === undefined) return null;
    const pipe = this.#child.stdio[BYTE_PIPE];
    return pipe instanceof Writable ? pipe : null;
  }

  get #messagePipe(): Duplex | null {
    if (this.#child.pid === undefined) return null;
    const pipe = this.#child.stdio[MESSAGE_PIPE];
    return pipe instanceof Duplex ? pipe : null;
  }

  get lost(): Promise<string> {
    return this.#lost.promise;
  }

  async load(): Promise<Opened> {
    const { kind, settings } = this.#options;
    const { loadTimeMsMax, logLinesPerMinute } = this.#limits;
    const onTimeout = () => this.#kill(`it did not load the model within ${loadTimeMsMax} ms`);
    const stopTimer = this.#clock.after(loadTimeMsMax, onTimeout, "awaited");
    try {
      this.#send({ type: "open", kind, settings, logLinesPerMinute });
      const opened = await this.#opened.promise;
      this.#state = "loaded";
      this.#holdServer(false);
      return opened;
    } catch (thrown) {
      this.#state = "closing";
      this.#child.kill("SIGKILL");
      await this.#exited.promise;
      throw thrown;
    } finally {
      stopTimer();
    }
  }

  connect<Model extends NativeModel>({ answers, streams }: Opened): Pick<Model, "answers" | "streams"> {
    const calls = this.#calls;
    const answer = (name: string) => (argument: unknown, signal: AbortSignal) => calls.ask(name, argument, signal);
    const stream = (name: string) => (argument: unknown, signal: AbortSignal) => calls.listen(name, argument, signal);
    const functions: Pick<NativeModel, "answers" | "streams"> = {
      answers: Object.fromEntries(answers.map((name) => [name, answer(name)])),
      streams: Object.fromEntries(streams.map((name) => [name, stream(name)])),
    };
    return functions;
  }

  async close(): Promise<void> {
    if (this.#state === "exited") return;
    const { exitTimeMsMax } = this.#limits;
    this.#state = "closing";
    this.#holdServer(true);
    const onTimeout = () => this.#kill(`it did not exit within ${exitTimeMsMax} ms`);
    const stopTimer = this.#clock.after(exitTimeMsMax, onTimeout, "awaited");
    this.#send({ type: "close" });
    const exit = await this.#exited.promise;
    stopTimer();
    if (exit.code !== 0) throw new Error(`The process ${this.pid} of a model did not end well: ${explainExit(exit)}.`);
  }

  #listen(): void {
    const child = this.#child;
    child.stderr?.setEncoding("utf8");
    child.stderr?.on("data", (text: string) => {
      this.#errorText = (this.#errorText + text).slice(-ERROR_TEXT_MAX);
      this.#passLines(text);
    });
    // Its words are a help; its exit says what became of it.
    child.stderr?.on("error", () => {});
    this.bytePipe?.on("error", () => {});
    const pipe = this.#messagePipe;
    pipe?.on("error", () => {});
    if (pipe !== null)
      receiveMessages(pipe, {
        onMessage: (value) => this.#receiveAll(value),
        onBroken: (reason) => this.#kill(reason),
      });
    // What can't be sent or signalled is answered by its exit too.
    child.on("error", (error) => {
      if (child.pid !== undefined) return;
      // It was not started: there will be no exit.
      this.#opened.reject(new AiError("engine_unavailable", NOT_STARTED, { cause: error }));
      this.#end({ code: null, signal: null, errorText: String(error) });
    });
    child.once("exit", (code, signal) => {
      // What it sent before is still to be read. A process of its own may keep the pipes open.
      const end = () => {
        stopTimer();
        child.removeListener("close", end);
        this.#end({ code, signal, errorText: this.#errorText });
      };
      const stopTimer = this.#clock.after(LAST_MESSAGES_MS_MAX, end, "awaited");
      child.once("close", end);
    });
  }

  /** Other lines may hold parts of requests. */
  #passLines(text: string): void {
    const lines = (this.#restOfLine + text).split("\n");
    this.#restOfLine = (lines.pop() ?? "").slice(0, ERROR_LINE_MAX);
    for (const line of lines) {
      const found = decodeOnnxLine(line.slice(0, ERROR_LINE_MAX));
      if (found !== null) this.#logLine(found);
    }
  }

  #receiveAll(value: unknown): void {
    const messages = decodeChildMessages(value);
    if (messages === null) return this.#kill("it sent something that is no message");
    for (const message of messages) this.#receive(message);
  }

  #receive(message: ChildMessage): void {
    // Its calls have their errors by then.
    if (this.#state === "exited") return;
    switch (message.type) {
      case "opened":
        this.#opened.resolve(message);
        // For its memory with the model.
        this.#send({ type: "ping" });
        return;
      case "open-failed":
        this.#opened.reject(decodeAiError(message.error));
        return;
      case "pong":
        this.#missedPings = 0;
        this.#tell({ type: "process-memory", pid: this.pid, rssBytes: message.rssBytes });
        return;
      case "log":
        this.#tell({ type: "process-log", pid: this.pid, level: message.level, line: message.line });
        return;
      case "answer":
      case "event":
      case "end":
      case "failed":
        this.#calls.receive(message);
    }
  }

  #tell(event: ProcessEvent): void {
    this.#options.onEvent?.(event);
  }

  #send(message: ParentMessage): void {
    // What can't be sent to a process that has ended, or was never started, is answered by that.
    if (this.#messagePipe !== null) sendMessage(this.#messagePipe, message);
  }

  /** A machine that slept, or a server that was busy itself, has missed one ping at most. */
  #ping(): void {
    const { answerTimeMsMax } = this.#limits;
    if (this.#missedPings * PING_MS >= answerTimeMsMax) {
      this.#kill(`it did not answer for ${answerTimeMsMax} ms`);
      return;
    }
    // A load has a limit of its own: on a busy machine a start alone may take longer than an answer may.
    if (this.#state !== "loading") this.#missedPings += 1;
    this.#send({ type: "ping" });
    this.#stopPings = this.#clock.after(PING_MS, () => this.#ping(), "detached");
  }

  #kill(reason: string): void {
    this.#killedFor ??= reason;
    this.#child.kill("SIGKILL");
  }

  #end(exit: Omit<ChildExit, "killedFor">): void {
    const ended: ChildExit = { ...exit, killedFor: this.#killedFor };
    const before = this.#state;
    this.#state = "exited";
    running.delete(this.#child);
    this.#stopPings();
    this.#closePipes();
    if (this.#child.pid !== undefined) this.#tell({ type: "process-end", pid: this.pid });
    const createCause = () => new Error(`The process ${this.pid} of a model has ended: ${explainExit(ended)}.`);
    this.#opened.reject(new AiError("engine_unavailable", LOAD_LOST, { cause: createCause() }));
    // Whoever tries again after its error finds this process gone.
    if (before === "loaded") this.#lost.resolve(explainExit(ended));
    this.#calls.fail(() => new NativeProcessLostError(createCause()));
    this.#exited.resolve(ended);
  }

  /** A process of its own may hold the other ends. */
  #closePipes(): void {
    this.#child.stderr?.destroy();
    this.bytePipe?.destroy();
    this.#messagePipe?.destroy();
  }

  /** An idle model does not keep the server alive. */
  #holdServer(holds: boolean): void {
    const pipes = [this.#child.stderr, this.#messagePipe, this.bytePipe].filter((pipe) => pipe instanceof Socket);
    for (const handle of [this.#child, ...pipes]) {
      if (holds) handle.ref();
      else handle.unref();
    }
  }
}
