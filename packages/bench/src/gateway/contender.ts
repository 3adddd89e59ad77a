/** What stands between the load client and the mock upstream, behind one interface. */

import { createServer } from "node:net";
import { startWorker } from "../worker.ts";
import type { WorkerOptions, WorkerProcess } from "../worker.ts";
import type { Target } from "./exchange.ts";
import { awaitFirstAnswer } from "./first-answer.ts";

export interface Contender {
  readonly target: Target;
  /** The gateway's process; null where there is none. */
  readonly process: WorkerProcess | null;
  /** From the start of that process to its first good answer, in milliseconds. */
  readonly startTimeMs: number;
  stop(): Promise<void>;
}

export const CONTENDER_NAMES = ["direct", "bare", "ours"] as const;
export type ContenderName = (typeof CONTENDER_NAMES)[number];

export interface ContenderRecipe {
  readonly name: ContenderName;
  /**
   * Prepares and starts it in front of the upstream.
   *
   * @returns at its first good answer.
   * @throws Error when none comes.
   */
  start(upstreamUrl: string): Promise<Contender>;
}

/** A port of the loopback interface that was free a moment ago. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("there is no free port");
  return address.port;
}

/** Starts a gateway's process and waits for its first good answer. @throws Error when none comes; then it is ended. */
export async function startGateway(target: Target, module: URL, options: WorkerOptions): Promise<Contender> {
  const startedAt = performance.now();
  const worker = startWorker(module, options);
  try {
    await awaitFirstAnswer(target);
  } catch (thrown) {
    await worker.stop();
    throw thrown;
  }
  return { target, process: worker, startTimeMs: performance.now() - startedAt, stop: () => worker.stop() };
}
