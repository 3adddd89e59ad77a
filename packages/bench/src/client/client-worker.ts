/** In a worker: one of the two clients, which its first argument names, so that its CPU time is its own. */

import { createClient } from "@openai-compat/client";
import { serveCalls } from "../worker.ts";

const messages = [
  { role: "system" as const, content: "You are a storyteller who answers in one short sentence and never asks back." },
  { role: "user" as const, content: "Tell me what happened on the river last night, and who played the violin." },
];
const body = { model: "mock", messages, temperature: 0.7 };

export interface Load {
  readonly baseUrl: string;
  readonly calls: number;
  readonly concurrency: number;
}

export type ClientCalls = {
  /** @returns how many chats were answered. */
  chats: (load: Load) => Promise<number>;
  /** @returns how many events came. */
  streams: (load: Load) => Promise<number>;
};

interface Subject {
  chat(): Promise<string | null | undefined>;
  stream(): Promise<AsyncIterable<{ readonly choices: readonly unknown[] }>>;
}

async function createSubject(baseUrl: string): Promise<Subject> {
  const client = createClient({ baseURL: baseUrl, token: "sk-bench" });
  if (process.argv[2] === "ours") {
    const { v1 } = client;
    return {
      chat: async () => (await v1.createChatCompletion(body)).choices[0]?.message.content,
      stream: async () => v1.createChatCompletion({ ...body, stream: true }),
    };
  }
  const sdk = await client.openai();
  return {
    chat: async () => (await sdk.chat.completions.create(body)).choices[0]?.message.content,
    stream: async () => sdk.chat.completions.create({ ...body, stream: true }),
  };
}

/** Each of the concurrent callers takes the next call when its last one has ended. @returns the sum of what calls count. */
async function share({ calls, concurrency }: Load, call: () => Promise<number>): Promise<number> {
  let left = calls;
  let sum = 0;
  const work = async () => {
    while (left > 0) {
      left -= 1;
      const counted = await call();
      sum += counted;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return sum;
}

const calls: ClientCalls = {
  async chats(load) {
    const subject = await createSubject(load.baseUrl);
    return share(load, async () => ((await subject.chat()) === undefined ? 0 : 1));
  },
  async streams(load) {
    const subject = await createSubject(load.baseUrl);
    return share(load, async () => {
      let events = 0;
      for await (const event of await subject.stream()) events += event.choices.length;
      return events;
    });
  },
};
serveCalls(calls);
