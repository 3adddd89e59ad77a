import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { FREE_TEXT } from "@openai-compat/core";
import { collectGeneration, GREEDY, PLAIN } from "@openai-compat/core/engine-contract";
import type { LlamaContextSequence } from "node-llama-cpp";
import { createAnswerReader } from "./answer-reader.ts";
import { runGeneration } from "./generation.ts";
import { resolveChatModel } from "./llama-settings.ts";
import { loadModel } from "./loaded-model.ts";
import type { LoadedModel } from "./loaded-model.ts";
import { randomModelByteToken, writeRandomModel } from "./testing/random-gguf.ts";

const folder = await mkdtemp(join(tmpdir(), "random-model-"));
const modelPath = join(folder, "random.gguf");
await writeRandomModel(modelPath, {});
const loaded = await loadModel(resolveChatModel({ modelPath, contextTokens: 1024, concurrency: 1 }), () => {});
afterAll(async () => {
  await loaded.dispose();
  await rm(folder, { recursive: true });
});

const { signal } = new AbortController();

/** Runs one generation. @returns what it took of the scheduler, in order. */
async function listTurns(sequence: LlamaContextSequence, letter: number, length: number): Promise<readonly string[]> {
  const turns: string[] = [];
  const scheduler: LoadedModel["scheduler"] = {
    ...loaded.scheduler,
    takeTurn(turn) {
      turns.push(`${turn.tokensLeft} left`);
      return loaded.scheduler.takeTurn(turn);
    },
    runAlone(turn, work) {
      turns.push("alone");
      return loaded.scheduler.runAlone(turn, work);
    },
  };
  const tokens = Array.from({ length }, () => randomModelByteToken(letter)).filter(loaded.isToken);
  const prompt = { tokens };
  const request = { ...PLAIN, prompt, output: FREE_TEXT, tokensMax: 2, stop: [], sampling: GREEDY };
  const reader = createAnswerReader({ stop: [], calls: "none", reasoning: "none", untagged: null });
  const generation = {
    request,
    tokens,
    sampledTokens: [],
    reader,
    isReproducible: true,
    owner: null,
    sharedTokens: 0,
    constraint: null,
    options: { temperature: 0 },
  };
  await collectGeneration(
    runGeneration({ ...loaded, scheduler }, sequence, { generation, turn: { signal, call: prompt, share: prompt } }),
  );
  return turns;
}

test("a sequence that holds another prompt is cut back in the turn in which the new one is read", async () => {
  const sequence = await loaded.sequences.acquire(signal);
  const letters = [0x61, 0x62];
  for (const letter of letters) expect(await listTurns(sequence, letter, 100)).toEqual(["100 left"]);
  expect(sequence.contextTokens.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => randomModelByteToken(0x62)));
  expect(await listTurns(sequence, 0x62, 200)).toEqual(["200 left", "136 left", "72 left"]);
  // Two whole chunks are kept.
  expect(await listTurns(sequence, 0x62, 200)).toEqual(["72 left"]);
});
