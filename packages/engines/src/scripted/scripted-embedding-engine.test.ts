import { expect, test } from "vitest";
import { cosine, embedAll, embeddingEngineContract } from "@openai-compat/core/embedding-engine-contract";
import { createScriptedEmbeddingEngine } from "./scripted-embedding-engine.ts";

embeddingEngineContract("scripted embedding", { createEngine: () => createScriptedEmbeddingEngine() });

test("texts that share words are nearer to each other than texts that don't", async () => {
  const [sea, ocean, tax] = await embedAll(createScriptedEmbeddingEngine(), [
    "the wide blue sea",
    "The blue sea",
    "File your return by April",
  ]);
  expect(cosine(sea, ocean)).toBeGreaterThan(0.7);
  expect(cosine(sea, tax)).toBeLessThan(0.4);
});
