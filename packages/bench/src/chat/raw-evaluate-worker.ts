/**
 * The baseline: node-llama-cpp's raw `sequence.evaluate` on the same model file, thread count and number of sequences,
 * with no server around it. What our chat endpoint costs beyond this is ours.
 */

import { Template } from "@huggingface/jinja";
import type { ChatMessage } from "@openai-compat/core";
import { LlamaLogLevel, getLlama } from "node-llama-cpp";
import type { LlamaContextSequence, Token } from "node-llama-cpp";
import { serveCalls } from "../worker.ts";
import type { ChatSubjectOptions } from "./chat-subject.ts";

export interface RawChat {
  readonly messages: readonly ChatMessage[];
  readonly tokensMax: number;
  /** Sample up to the limit, whatever ends the answer. */
  readonly runsOn?: boolean;
  /** Stop reading after this long and send nothing more, like a client that disconnects. */
  readonly disconnectAfterMs?: number;
  /** Wait this long before starting. */
  readonly startAfterMs?: number;
}

export interface RawResult {
  readonly tokens: number;
  /** Milliseconds from the chat's own start to each token, the one that ends the answer included, as in a usage. */
  readonly tokensAtMs: readonly number[];
}

export type RawEvaluateCalls = {
  /** All at once, each on a sequence of its own. */
  run: (chats: readonly RawChat[]) => Promise<readonly RawResult[]>;
  /**
   * Reads a prompt as our engine cuts it, with nothing beside it. @returns what each chunk took, in milliseconds; the
   * last holds up to twice as many tokens, and samples one.
   */
  timeChunks: (reading: ChunkReading) => Promise<readonly number[]>;
};

export interface ChunkReading {
  readonly messages: readonly ChatMessage[];
  readonly chunkTokens: number;
}

const options: ChatSubjectOptions = JSON.parse(process.env["BENCH_OPTIONS"] ?? "{}");
const llama = await getLlama({
  gpu: false,
  build: "never",
  logLevel: LlamaLogLevel.disabled,
  maxThreads: options.threads,
});
const model = await llama.loadModel({ modelPath: options.modelPath });
const context = await model.createContext({
  sequences: options.concurrency,
  contextSize: options.contextTokens,
  batchSize: 512,
  threads: options.threads,
});
const sequences = Array.from({ length: options.concurrency }, () => context.getSequence());
const template = new Template(String(model.fileInfo.metadata.tokenizer.chat_template));

function tokenise(messages: readonly ChatMessage[]): Token[] {
  const { bosString, eosString } = model.tokens;
  const text = template.render({ messages, add_generation_prompt: true, bos_token: bosString, eos_token: eosString });
  return model.tokenize(text, true);
}

async function runOne(sequence: LlamaContextSequence, chat: RawChat): Promise<RawResult> {
  const tokens = tokenise(chat.messages);
  await new Promise((resolve) => setTimeout(resolve, chat.startAfterMs ?? 0));
  const startedAt = performance.now();
  await sequence.clearHistory();
  const disconnectAt = startedAt + (chat.disconnectAfterMs ?? Number.POSITIVE_INFINITY);
  const tokensAtMs: number[] = [];
  for await (const token of sequence.evaluate(tokens, { temperature: 0, yieldEogToken: true })) {
    if (performance.now() > disconnectAt) break;
    tokensAtMs.push(performance.now() - startedAt);
    if ((model.isEogToken(token) && chat.runsOn !== true) || tokensAtMs.length >= chat.tokensMax) break;
  }
  return { tokens: tokensAtMs.length, tokensAtMs };
}

async function sampleOne(sequence: LlamaContextSequence, tokens: Token[]): Promise<void> {
  for await (const _ of sequence.evaluate(tokens, { temperature: 0, yieldEogToken: true })) break;
}

async function timeChunks({ messages, chunkTokens }: ChunkReading): Promise<readonly number[]> {
  const [sequence] = sequences;
  if (sequence === undefined) throw new Error("there is no sequence");
  await sequence.clearHistory();
  let rest = tokenise(messages);
  const timesMs: number[] = [];
  while (rest.length > 0) {
    const isLast = rest.length < 2 * chunkTokens;
    const chunk = isLast ? rest : rest.slice(0, chunkTokens);
    const startedAt = performance.now();
    if (isLast) await sampleOne(sequence, chunk);
    else await sequence.evaluateWithoutGeneratingNewTokens(chunk);
    timesMs.push(performance.now() - startedAt);
    rest = rest.slice(chunk.length);
  }
  return timesMs;
}

serveCalls({
  timeChunks,
  run: (chats: readonly RawChat[]) =>
    Promise.all(
      chats.map((chat, index) => {
        const sequence = sequences[index];
        if (sequence === undefined) throw new Error("more chats than sequences");
        return runOne(sequence, chat);
      }),
    ),
} satisfies RawEvaluateCalls);
