/** The options of all subjects of the chat benchmarks, so that they differ in nothing but the code measured. */

import type { ServerCalls, ServerTarget } from "../local-server.ts";
import { startWorker, buildOptions } from "../worker.ts";
import type { Worker } from "../worker.ts";

export interface ChatSubjectOptions {
  readonly modelPath: string;
  readonly concurrency: number;
  /** Per sequence. */
  readonly contextTokens: number;
  readonly threads: number;
}

export interface ChatServer {
  readonly worker: Worker<ServerCalls>;
  readonly target: ServerTarget;
}

/** Our server in a process of its own. Its model is loaded by the first chat. */
export async function startChatServer(options: ChatSubjectOptions): Promise<ChatServer> {
  const worker = startWorker<ServerCalls>(new URL("server-worker.ts", import.meta.url), buildOptions(options));
  return { worker, target: await worker.call("listen", null) };
}
