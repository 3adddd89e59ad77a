/**
 * The baseline: node-llama-cpp's embedding contexts, as many as our engine has and a thread for each, with no server
 * around them. Each takes the next text when it has read one.
 */

import { LlamaLogLevel, getLlama } from "node-llama-cpp";
import type { LlamaEmbeddingContext } from "node-llama-cpp";
import { serveCalls } from "../worker.ts";
import type { EmbeddingSubjectOptions } from "./embedding-subject.ts";

export type RawContextsCalls = {
  /** @returns how many vectors were made. */
  embed: (texts: readonly string[]) => Promise<number>;
};

const options: EmbeddingSubjectOptions = JSON.parse(process.env["BENCH_OPTIONS"] ?? "{}");
const llama = await getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.disabled });
const model = await llama.loadModel({ modelPath: options.modelPath });
const contexts: LlamaEmbeddingContext[] = [];
for (let count = 0; count < options.threads; count += 1) {
  const size = options.contextTokens + 1;
  contexts.push(await model.createEmbeddingContext({ contextSize: size, batchSize: size, threads: 1 }));
}

serveCalls({
  async embed(texts) {
    const rest = texts.values();
    const made = contexts.map(async (context) => {
      let vectors = 0;
      for (const text of rest) {
        const { vector } = await context.getEmbeddingFor(text);
        if (vector.length > 0) vectors += 1;
      }
      return vectors;
    });
    return (await Promise.all(made)).reduce((sum, vectors) => sum + vectors, 0);
  },
} satisfies RawContextsCalls);
