/**
 * A subject of measurement in a process of its own, so that its CPU time is its own too. The parent sends a call, the
 * worker answers with the result; both sides are typed by the same map of calls.
 */

import { fork } from "node:child_process";

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

export interface Worker<Served extends Calls> {
  call<Name extends keyof Served & string>(name: Name, argument: Parameters<Served[Name]>[0]): ReturnType<Served[Name]>;
  /** CPU time of the whole worker so far, user and system, in milliseconds. */
  readonly cpuMs: () => Promise<number>;
  stop(): Promise<void>;
}

/** In the worker: answers calls until the parent disconnects. */
export function serveCalls(calls: Calls): void {
  process.on("message", (message: CallMessage) => {
    const served = message.name === "cpu" ? readCpuMs : calls[message.name];
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

async function readCpuMs(): Promise<number> {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** In the parent: starts a worker module with its arguments. */
export function startWorker<Served extends Calls>(
  module: URL,
  environment: Record<string, string> = {},
): Worker<Served> {
  const child = fork(module, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
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
      lastId += 1;
      waiting.set(lastId, ({ result, error }) => (error === undefined ? resolve(result) : reject(new Error(error))));
      child.send({ id: lastId, name, argument } satisfies CallMessage);
    });
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the worker serves the map that the caller names
    call: call as Worker<Served>["call"],
    cpuMs: async () => Number(await call("cpu", null)),
    async stop() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
