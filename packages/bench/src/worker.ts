/**
 * A subject of measurement in a process of its own, so that its CPU time is its own too. The parent sends a call, the
 * worker answers with the result; both sides are typed by the same map of calls.
 */

import { fork } from "node:child_process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { sumChildProcesses } from "./child-processes.ts";

type Calls = Record<string, (argument: never) => Promise<unknown>>;

interface CallMessage {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

interface AnswerMessage {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

export interface WorkerProcess {
  /** CPU time of the whole worker and of the processes that it has started so far, user and system, in milliseconds. */
  readonly cpuMs: () => Promise<number>;
  /** Memory of the worker and of the processes that it has started that is resident now. */
  readonly residentBytes: () => Promise<number>;
  /** What is alive in the worker after a collection, which this asks for: the heap and the buffers outside it. */
  readonly liveBytes: () => Promise<number>;
  /** Ends the worker. @returns when it is gone. */
  stop(): Promise<void>;
}

export interface Worker<Served extends Calls> extends WorkerProcess {
  call<Name extends keyof Served & string>(name: Name, argument: Parameters<Served[Name]>[0]): ReturnType<Served[Name]>;
}

export interface WorkerOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** What the module finds in `process.argv` behind its own path. */
  readonly arguments?: readonly string[];
  /**
   * Modules that are loaded before the worker's own: a program that knows nothing of calls becomes a worker with one.
   */
  readonly preload?: readonly URL[];
  /** File descriptor that takes what it complains about and logs; by default the terminal. */
  readonly stderr?: number;
}

/** What a worker shall be, for those that read `BENCH_OPTIONS`. @param options what JSON can hold. */
export function buildOptions(options: unknown): WorkerOptions {
  return { environment: { BENCH_OPTIONS: JSON.stringify(options) } };
}

/** In the worker: answers calls until the parent disconnects. */
export function serveCalls(calls: Calls): void {
  process.on("message", (message: CallMessage) => {
    const served = OWN_CALLS[message.name] ?? calls[message.name];
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parent is typed by the same map of calls
    const argument = message.argument as never;
    const answer = served === undefined ? Promise.reject(new Error(`no call ${message.name}`)) : served(argument);
    answer.then(
      (result) => process.send?.({ id: message.id, result } satisfies AnswerMessage),
      (error: unknown) => process.send?.({ id: message.id, error: String(error) } satisfies AnswerMessage),
    );
  });
  process.on("disconnect", () => process.exit(0));
}

/** What every worker answers about itself. */
const OWN_CALLS: Calls = {
  async cpuMs() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000 + sumChildProcesses().cpuMs;
  },
  residentBytes: async () => process.memoryUsage.rss() + sumChildProcesses().residentBytes,
  async liveBytes() {
    setFlagsFromString("--expose-gc");
    const collect: unknown = runInNewContext("gc");
    if (typeof collect === "function") collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
};

/** In the parent: starts a worker module. What it prints is dropped. */
export function startWorker<Served extends Calls>(module: URL, options: WorkerOptions = {}): Worker<Served> {
  const child = fork(module, options.arguments ?? [], {
    env: { ...process.env, ...options.environment },
    execArgv: (options.preload ?? []).flatMap((preloaded) => ["--import", preloaded.href]),
    stdio: ["ignore", "ignore", options.stderr ?? "inherit", "ipc"],
  });
  const waiting = new Map<number, (answer: AnswerMessage) => void>();
  let lastId = 0;
  child.on("message", (answer: AnswerMessage) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  const exited = new Promise<void>((resolve) => {
    child.on("exit", (code) => {
      for (const [id, answer] of waiting) answer({ id, error: `the worker ended with code ${code}` });
      resolve();
    });
  });
  const call = (name: string, argument: unknown) =>
    new Promise<unknown>((resolve, reject) => {
      if (!child.connected) throw new Error("the worker has ended");
      lastId += 1;
      waiting.set(lastId, ({ result, error }) => (error === undefined ? resolve(result) : reject(new Error(error))));
      child.send({ id: lastId, name, argument } satisfies CallMessage);
    });
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the worker serves the map that the caller names
    call: call as Worker<Served>["call"],
    cpuMs: async () => Number(await call("cpuMs", null)),
    residentBytes: async () => Number(await call("residentBytes", null)),
    liveBytes: async () => Number(await call("liveBytes", null)),
    async stop() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
