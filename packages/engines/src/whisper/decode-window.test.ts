import { expect, test } from "vitest";
import { NO_PREFIX, decodeWindow } from "./decode-window.ts";
import type { WindowOptions } from "./decode-window.ts";
import type { WhisperConfig } from "./whisper-config.ts";
import type { WhisperModel } from "./whisper-model.ts";
import { createWhisperText } from "./whisper-text.ts";
import { rankLogits } from "./testing/rank-logits.ts";

/** Text a to h, the end 8, special 9 to 14, timestamps from 15 on. */
const CONFIG = {
  tokens: {
    endOfText: 8,
    startOfTranscript: 9,
    translate: 10,
    transcribe: 11,
    startOfPrevious: 12,
    noSpeech: 13,
    noTimestamps: 14,
    firstTimestamp: 15,
  },
  vocabularySize: 40,
  textPositions: 64,
  suppressed: [],
  suppressedFirst: [],
} as unknown as WhisperConfig;
const [A, B, C, END, START] = [0, 1, 2, 8, 15];
const text = createWhisperText(Array.from("abcdefgh", (letter) => Buffer.from(letter)));
const LOW = -30;

type Script = (tokens: readonly number[]) => Readonly<Record<number, number>>;

/** Probabilities by what a text has become, its prompt not counted. */
function createModel(script: Script, opening = 1) {
  const read: (readonly number[])[] = [];
  const model: WhisperModel = {
    config: CONFIG,
    windowSamples: 480_000,
    encode: async () => ({ positions: 20, tensors: {} }),
    decode() {
      let texts: readonly (readonly number[])[] = [[]];
      return {
        get length() {
          return texts[0]?.length ?? 0;
        },
        async step(continuations, options) {
          texts = continuations.map(({ parent, tokens }) => [...(texts[parent] ?? []), ...tokens]);
          read.push(...continuations.map(({ tokens }) => tokens));
          return texts.map((tokens) => {
            const logits = new Float32Array(CONFIG.vocabularySize).fill(LOW);
            for (const [token, probability] of Object.entries(script(tokens.slice(opening)))) {
              logits[Number(token)] = Math.log(probability);
            }
            return rankLogits(logits, CONFIG, options);
          });
        },
      };
    },
    dispose: async () => {},
  };
  return { model, read };
}

const OPTIONS: WindowOptions = {
  context: [],
  task: [],
  prefix: NO_PREFIX,
  temperature: 0,
  fallback: true,
  beams: 1,
  attention: false,
  positions: 20,
  compute: async (step) => step(),
};

async function decode(script: Script, options: Partial<WindowOptions> = {}) {
  const { model, read } = createModel(script, 1 + (options.context?.length ?? -1) + 1);
  const audio = await model.encode(new Float32Array(0));
  return { ...(await decodeWindow({ model, text }, audio, { ...OPTIONS, ...options })), read };
}

/** After a: b is likelier, but what follows c is certain. */
const GARDEN_PATH: Script = (tokens) => {
  const said = tokens.slice(1).join("");
  if (tokens.length === 0) return { [START]: 1 };
  if (said === "") return { [B]: 0.6, [C]: 0.4 };
  if (said === "1") return Object.fromEntries([A, B, C, 3, 4, 5].map((token) => [token, 1 / 6]));
  if (said === "2") return { [A]: 1 };
  return { [END]: 1 };
};

test("several texts that grow side by side find one that a single one misses", async () => {
  const single = await decode(GARDEN_PATH);
  expect(single.tokens.slice(0, 2)).toEqual([START, B]);
  const wide = await decode(GARDEN_PATH, { beams: 3 });
  expect(wide.tokens).toEqual([START, C, A]);
  expect(wide.logprobs[1]).toBeCloseTo(Math.log(0.4), 5);
  expect(wide.averageLogprob).toBeCloseTo(Math.log(0.4) / 4, 5);
});

test("a text that repeats itself is sampled again at a higher temperature", async () => {
  let attempts = 0;
  const { temperature, tokens } = await decode(
    (said) => {
      if (said.length === 0) attempts += 1;
      if (said.length === 0) return { [START]: 1 };
      if (attempts > 1) return said.length > 2 ? { [END]: 1 } : { [A]: 1 };
      return { [A]: 1 };
    },
    { positions: 1000 },
  );
  expect(temperature).toBe(0.2);
  expect(tokens).toEqual([START, A, A]);
});

test("the caller's temperature is the only one", async () => {
  const said: Script = (tokens) => (tokens.length === 0 ? { [START]: 1 } : { [A]: 1 });
  const { temperature, compressionRatio } = await decode(said, { temperature: 0.7, positions: 1000 });
  expect(temperature).toBe(0.7);
  expect(compressionRatio).toBeGreaterThan(2);
});

test("a model that hears nobody and is unsure gives silence, without another attempt", async () => {
  const { isSilence, temperature, noSpeechProbability } = await decode((tokens) => {
    if (tokens.length === 0) return { 13: 0.9, [START]: 0.1 };
    return tokens.length > 4
      ? { [END]: 1 }
      : Object.fromEntries(Array.from({ length: 8 }, (_, token) => [token, 1 / 8]));
  });
  expect(noSpeechProbability).toBeCloseTo(0.9, 5);
  expect({ isSilence, temperature }).toEqual({ isSilence: true, temperature: 0 });
});

test("the context is what was said last, and leaves room for an answer", async () => {
  const context = Array.from({ length: 100 }, (_, index) => index % 8);
  const { read, promptTokens } = await decode((tokens) => (tokens.length === 0 ? { [START]: 1 } : { [END]: 1 }), {
    context,
  });
  expect(read[0]).toEqual([12, ...context.slice(-31), 9]);
  expect(promptTokens).toBe(33);
});

test("a short window has a short text, however sure the model is", async () => {
  const { tokens } = await decode((said) => (said.length === 0 ? { [START]: 1 } : { [said.length % 8]: 1 }), {
    positions: 4,
  });
  expect(tokens).toHaveLength(25);
});

test("a text goes on after the tokens that it has to begin with, which are read in one step", async () => {
  const prefix = { tokens: [START, C], logprobs: [-0.5, -1] };
  const { tokens, logprobs, averageLogprob, promptTokens, read } = await decode(GARDEN_PATH, { prefix });
  expect(tokens).toEqual([START, C, A]);
  expect(logprobs[1]).toBe(-1);
  expect(averageLogprob).toBeCloseTo(-1.5 / 4, 5);
  expect(read.slice(0, 2)).toEqual([[9], [START, C]]);
  expect(promptTokens).toBe(1);
});

test("a text that the model is unsure of stays as it is without fallback", async () => {
  const said: Script = (tokens) => (tokens.length === 0 ? { [START]: 1 } : { [A]: 1 });
  const { temperature, compressionRatio } = await decode(said, { fallback: false, positions: 1000 });
  expect(temperature).toBe(0);
  expect(compressionRatio).toBeGreaterThan(2.4);
});

test("an abort ends the text at once", async () => {
  const gone = new Error("gone");
  let steps = 0;
  const compute: WindowOptions["compute"] = async (step) => {
    steps += 1;
    if (steps === 3) throw gone;
    return step();
  };
  await expect(decode(GARDEN_PATH, { compute })).rejects.toBe(gone);
  expect(steps).toBe(3);
});
