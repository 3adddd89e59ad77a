import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { chatEngineContract } from "@openai-compat/core/engine-contract";
import { createLlamaEngine } from "./llama-engine.ts";
import { writeRandomModel } from "./testing/random-gguf.ts";

const folder = await mkdtemp(join(tmpdir(), "random-model-"));
const modelPath = join(folder, "random.gguf");
await writeRandomModel(modelPath);
afterAll(async () => rm(folder, { recursive: true }));

chatEngineContract("llama", {
  createEngine: () => createLlamaEngine({ modelPath, contextTokens: 1024 }),
  talkative: [{ role: "user", content: "Tell me a long story." }],
});
