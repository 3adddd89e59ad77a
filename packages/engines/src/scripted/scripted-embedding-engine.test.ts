import { expect, test } from "vitest";
import { cosine, embedAll, embeddingEngineContract } from "@openai-compat/core/embedding-engine-contract";
import { createScriptedEmbeddingEngine } from "./scripted-embedding-engine.ts";

embeddingEngineContract("scripted embedding", { createEngine: () => createScriptedEmbeddingEngine() });

test("a pause before each vector lets a call be aborted in it", async () => {
  const engine = createScriptedEmbeddingEngine({ vectorDelayMs: 60_000 });
  const gone = new AbortController();
  const prepared = await engine.prepare(["the sea"], gone.signal);
  const first = engine.embed(prepared.inputs, gone.signal)[Symbol.asyncIterator]().next();
  gone.abort(new Error("the client disconnected"));
  await expect(first).rejects.toThrow(/aborted|disconnected/);
  await engine.close();
});

test("texts that share words are nearer to each other than texts that don't", async () => {
  const [sea, ocean, tax] = await embedAll(createScriptedEmbeddingEngine(), [
    "the wide blue sea",
    "The blue sea",
    "File your return by April",
  ]);
  expect(cosine(sea, ocean)).toBeGreaterThan(0.7);
  expect(cosine(sea, tax)).toBeLessThan(0.4);
});
