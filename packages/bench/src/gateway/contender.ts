/** What stands between the load client and the mock upstream, behind one interface. */

import { createServer } from "node:net";
import type { WorkerProcess } from "../worker.ts";

export interface Target {
  /** Of the API, `/v1` included. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
}

export interface Contender {
  readonly target: Target;
  /** The gateway's process; null where there is none. */
  readonly process: WorkerProcess | null;
  stop(): Promise<void>;
}

export const CONTENDER_NAMES = ["direct", "bare", "ours"] as const;
export type ContenderName = (typeof CONTENDER_NAMES)[number];

export interface ContenderRecipe {
  readonly name: ContenderName;
  /** Starts it in front of the upstream. @returns at its first good answer. @throws Error when none comes in time. */
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
