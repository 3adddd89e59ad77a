/**
 * `bench prefix`: what a prompt costs whose beginning the server has read before, beside the same prompt on a server
 * that has read nothing of it, and beside raw evaluate that keeps the exact common prefix. Each in a process of its own.
 */

import { pullModel } from "@openai-compat/engines";
import type { AreaOptions, AreaResult } from "../area.ts";
import { startChatServer } from "../chat/chat-subject.ts";
import type { ChatSubjectOptions } from "../chat/chat-subject.ts";
import type { RawEvaluateCalls } from "../chat/raw-evaluate-worker.ts";
import { formatTable } from "../measurement.ts";
import { measurePrefixes } from "./repeated-prefixes.ts";
import type { PrefixSubjects } from "./repeated-prefixes.ts";
import { buildOptions, startWorker } from "../worker.ts";

const MODEL_ID = "smollm2-135m-instruct";
const SEQUENCES = 4;
const CONTEXT_TOKENS = 2048;
const OTHER_ACCOUNT = "another";

export async function benchPrefix(options: AreaOptions): Promise<AreaResult> {
  const rounds = options.isQuick ? 1 : options.rounds;
  console.log(`${rounds} interleaved rounds, ${options.threads} engine threads`);
  const { path } = await pullModel({ id: MODEL_ID });
  const subject: ChatSubjectOptions = {
    modelPath: path,
    concurrency: SEQUENCES,
    contextTokens: CONTEXT_TOKENS,
    threads: options.threads,
  };
  const [warm, cold] = await Promise.all([startChatServer(subject), startChatServer(subject)]);
  const rawWorker = new URL("../chat/raw-evaluate-worker.ts", import.meta.url);
  const raw = startWorker<RawEvaluateCalls>(rawWorker, buildOptions(subject));
  try {
    const otherKey = await warm.worker.call("mintKey", OTHER_ACCOUNT);
    const subjects: PrefixSubjects = { warm, cold, raw, otherUser: { ...warm.target, apiKey: otherKey } };
    const rows = await measurePrefixes(subjects, rounds);
    return { text: formatTable(rows), figures: rows };
  } finally {
    await Promise.all([warm.worker.stop(), cold.worker.stop(), raw.stop()]);
  }
}
