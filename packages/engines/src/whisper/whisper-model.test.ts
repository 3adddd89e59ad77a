import { expect, test } from "vitest";
import { rankLogits } from "./testing/rank-logits.ts";
import { makeTinyWhisper } from "./testing/tiny-whisper.ts";
import { openWhisperCheckpoint } from "./whisper-checkpoint.ts";
import { POSITION_SAMPLES, loadWhisperModel } from "./whisper-model.ts";
import type { DecoderStep } from "./whisper-model.ts";

test("the graph ranks the tokens as its own logits do, for each text of a step", async () => {
  await using whisper = await makeTinyWhisper();
  const checkpoint = await openWhisperCheckpoint(whisper.modelPath);
  const model = await loadWhisperModel(checkpoint, 1);
  try {
    const { config } = model;
    const audio = await model.encode(Float32Array.from({ length: 50 * POSITION_SAMPLES }, (_, i) => Math.sin(i / 9)));
    const state = model.decode(audio);
    const options = { likeliest: 4, logits: true, attention: true };
    await state.step([{ parent: 0, tokens: [config.tokens.startOfTranscript] }], options);
    const continuations = [5, 6, 7].map((token) => ({ parent: 0, tokens: [config.tokens.firstTimestamp, token] }));
    const steps = await state.step(continuations, options);
    expect(steps).toHaveLength(3);
    for (const step of steps) {
      const expected = rankLogits(step.logits ?? new Float32Array(0), config, options);
      expect(step.likeliest).toEqual(expected.likeliest);
      expect(step.textNorm).toBeCloseTo(expected.textNorm, 3);
      expect(step.endLogit).toBe(expected.endLogit);
      expect(step.timestamps).toEqual(expected.timestamps);
      expect(step.attention).toHaveLength(config.alignmentHeads.length);
    }
    const [quiet] = await state.step([{ parent: 1, tokens: [8] }], { likeliest: 1, logits: false, attention: false });
    expect(quiet).toMatchObject({ logits: null, attention: null, likeliest: [{}] });
    expect(state.length).toBe(4);
  } finally {
    await model.dispose();
  }
});

test("texts that are continued, dropped and doubled are read as each would be alone", async () => {
  await using whisper = await makeTinyWhisper();
  const model = await loadWhisperModel(await openWhisperCheckpoint(whisper.modelPath), 1);
  try {
    const start = model.config.tokens.startOfTranscript;
    const audio = await model.encode(Float32Array.from({ length: 20 * POSITION_SAMPLES }, (_, i) => Math.sin(i / 7)));
    const options = { likeliest: 1, logits: true, attention: false };
    const state = model.decode(audio);
    await state.step([{ parent: 0, tokens: [start, 4] }], options);
    let texts: readonly (readonly number[])[] = [[start, 4]];
    let steps: readonly DecoderStep[] = [];
    // More rows than the cache has room for at first.
    for (let round = 0; round < 50; round += 1) {
      const continuations = [2, 0, 0, 1, 4].map((parent, index) => ({
        parent: parent % texts.length,
        tokens: [(round + index) % 8],
      }));
      steps = await state.step(continuations, options);
      texts = continuations.map(({ parent, tokens }) => [...(texts[parent] ?? []), ...tokens]);
    }
    for (const [index, tokens] of texts.entries()) {
      const [alone] = await model.decode(audio).step([{ parent: 0, tokens }], options);
      const expected = alone?.logits ?? new Float32Array(0);
      const differences = expected.map((logit, token) => Math.abs(logit - (steps[index]?.logits?.[token] ?? Infinity)));
      expect(Math.max(...differences)).toBeLessThan(0.01);
    }
  } finally {
    await model.dispose();
  }
});
