/**
 * The baseline: node-llama-cpp's raw `sequence.evaluate` on the same model file, thread count and number of sequences,
 * with no server around it, prompts in chunks of 256 tokens. What our chat endpoint costs beyond this is ours.
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
  /** Use the sequence that holds most of the prompt, and read the rest. For a chat with none beside it. */
  readonly keepsPrefix?: boolean;
  /**
   * Read behind the prompt, all but its last token, as if it had been sampled; then there are no tokens of its own. What
   * two subjects answer may differ, and then one of them would have less of the next prompt in memory.
   */
  readonly answer?: string;
}

export interface RawResult {
  readonly tokens: number;
  /** Milliseconds from the chat's own start to each token, the one that ends the answer included, as in a usage. */
  readonly tokensAtMs: readonly number[];
}

export type RawEvaluateCalls = {
  /** All at once, each on a sequence of its own. */
  run: (chats: readonly RawChat[]) => Promise<readonly RawResult[]>;
};

/** Prompts are read without a look at whoever has left or waits. */
const CHUNK_TOKENS = 256;

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
  const used = chat.keepsPrefix === true ? findHolder(tokens) : sequence;
  const last = await readPrompt(used, tokens, chat.keepsPrefix === true);
  if (chat.answer !== undefined) {
    await used.evaluateWithoutGeneratingNewTokens([...last, ...model.tokenize(chat.answer).slice(0, -1)]);
    return { tokens: 0, tokensAtMs: [] };
  }
  const disconnectAt = startedAt + (chat.disconnectAfterMs ?? Number.POSITIVE_INFINITY);
  const tokensAtMs: number[] = [];
  for await (const token of used.evaluate(last, { temperature: 0, yieldEogToken: true })) {
    if (performance.now() > disconnectAt) break;
    tokensAtMs.push(performance.now() - startedAt);
    if ((model.isEogToken(token) && chat.runsOn !== true) || tokensAtMs.length >= chat.tokensMax) break;
  }
  return { tokens: tokensAtMs.length, tokensAtMs };
}

/** The sequence that holds most of the prompt. */
function findHolder(tokens: Token[]): LlamaContextSequence {
  const count = (sequence: LlamaContextSequence) => sequence.compareContextTokens(tokens).firstDifferentIndex;
  return sequences.reduce((best, sequence) => (count(sequence) > count(best) ? sequence : best));
}

/** All but its last chunk, in whose evaluation the first token is sampled. @returns that chunk */
async function readPrompt(sequence: LlamaContextSequence, tokens: Token[], keepsPrefix: boolean): Promise<Token[]> {
  const common = keepsPrefix ? sequence.compareContextTokens(tokens).firstDifferentIndex : 0;
  const kept = Math.min(common, tokens.length - 1);
  await sequence.eraseContextTokenRanges([{ start: kept, end: sequence.nextTokenIndex }]);
  let rest = tokens.slice(kept);
  for (; rest.length > CHUNK_TOKENS; rest = rest.slice(CHUNK_TOKENS)) {
    await sequence.evaluateWithoutGeneratingNewTokens(rest.slice(0, CHUNK_TOKENS));
  }
  return rest;
}

serveCalls({
  run: (chats: readonly RawChat[]) =>
    Promise.all(
      chats.map((chat, index) => {
        const sequence = sequences[index];
        if (sequence === undefined) throw new Error("more chats than sequences");
        return runOne(sequence, chat);
      }),
    ),
} satisfies RawEvaluateCalls);
