/** In a worker: chats through the suite's observers, or through the official SDK alone, as its first argument names. */

import { type Check, runConformance } from "@openai-compat/conformance";
import OpenAI from "openai";
import { serveCalls } from "../worker.ts";

/** Calls of one check: as many as the longer ones have. */
const CALLS_OF_A_CHECK = 10;

export interface JudgingLoad {
  readonly baseUrl: string;
  readonly calls: number;
  readonly isStreamed: boolean;
}

export type JudgingCalls = {
  /** @returns how many chats were read to their end. */
  chats: (load: JudgingLoad) => Promise<number>;
};

const body = {
  model: "mock",
  messages: [{ role: "user" as const, content: "Tell me what happened on the river last night, in one sentence." }],
  temperature: 0.7,
};

async function chat(client: OpenAI, isStreamed: boolean): Promise<number> {
  if (!isStreamed) return (await client.chat.completions.create(body)).choices.length;
  for await (const _ of await client.chat.completions.create({ ...body, stream: true }));
  return 1;
}

/** As the suite's clients are: a connection for each request, no retries. */
async function callAlone({ baseUrl, calls, isStreamed }: JudgingLoad): Promise<number> {
  const client = new OpenAI({
    baseURL: baseUrl,
    apiKey: "sk-bench",
    maxRetries: 0,
    logLevel: "off",
    defaultHeaders: { connection: "close" },
  });
  let answered = 0;
  for (let call = 0; call < calls; call += 1) answered += await chat(client, isStreamed);
  return answered;
}

async function callObserved({ baseUrl, calls, isStreamed }: JudgingLoad): Promise<number> {
  let answered = 0;
  const checks = Array.from({ length: calls / CALLS_OF_A_CHECK }, (_, index): Check => ({
    id: `chat.bench.n${index}`,
    area: "chat",
    level: "must",
    tier: "protocol",
    requirement: "A chat is answered.",
    reference: "none",
    breaks: "none",
    operation: "createChatCompletion",
    needs: ["model:chat"],
    async run(context) {
      for (let call = 0; call < CALLS_OF_A_CHECK; call += 1) {
        const { value = 0 } = await context.sdk((client) => chat(client, isStreamed));
        answered += value;
      }
    },
  }));
  await runConformance({ baseUrl, apiKey: "sk-bench", models: { chat: "mock" }, checks });
  return answered;
}

const subjects = { observed: callObserved, alone: callAlone };
const calls: JudgingCalls = {
  chats: (load) => subjects[process.argv[2] === "observed" ? "observed" : "alone"](load),
};
serveCalls(calls);
