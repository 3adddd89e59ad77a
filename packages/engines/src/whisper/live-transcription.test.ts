import { setImmediate, setTimeout as delay } from "node:timers/promises";
import type { LiveEvent } from "@openai-compat/core";
import { expect, test } from "vitest";
import { SampleIntake } from "../transcription/sample-intake.ts";
import { FRAME_SAMPLES } from "../vad/silero-vad.ts";
import { createSpeechParts } from "../vad/speech-parts.ts";
import { createLiveSlots } from "./live-slots.ts";
import { LiveTranscription } from "./live-transcription.ts";
import { describeLiveParts } from "./part-settings.ts";
import { createStepTurns } from "./step-turns.ts";
import { createHearingModel, hearSpeech, nameWord, speakWords } from "./testing/hearing-model.ts";

const SECOND = 16_000;
const never = new AbortController().signal;
/** Rounds of the event loop in which a pass ends. */
const ROUNDS = 40;

function createTurn(hearing = createHearingModel(), slots = createLiveSlots(), nowMs = () => 0) {
  const { model, text } = hearing;
  const intake = new SampleIntake();
  const read = async (frames: Float32Array) => hearSpeech(frames, FRAME_SAMPLES);
  const parts = createSpeechParts({ read }, describeLiveParts(model.windowSamples));
  const turn = new LiveTranscription({
    model,
    text,
    parts,
    slots,
    turns: createStepTurns(),
    options: { languages: null, prompt: null, logprobs: true },
    previousText: false,
    beams: 2,
    nowMs,
  });
  return { hearing, slots, intake, turn };
}

type Turn = ReturnType<typeof createTurn>;

/** Collects its events while it goes on. */
function listen({ turn, intake }: Turn, signal = never) {
  const events: LiveEvent[] = [];
  const ended = (async () => {
    for await (const event of turn.transcribe(intake, signal)) events.push(event);
  })();
  return { events, ended };
}

async function rest(rounds = ROUNDS): Promise<void> {
  for (let round = 0; round < rounds; round += 1) await setImmediate();
}

function textOf(events: readonly LiveEvent[]): string {
  return events.map((event) => (event.type === "text-delta" ? event.text : "")).join("");
}

function nameWords(spoken: readonly (number | null)[]): string {
  return spoken.flatMap((word) => (word === null ? [] : [nameWord(word)])).join(" ");
}

/** A fixed sequence from 0 to 1. */
function createRandom(seed: number): () => number {
  let state = seed * 2_654_435_761 + 1;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}

/** Words with pauses between some of them; some stretches have none for longer than a window. */
function composeSpeech(random: () => number): readonly (number | null)[] {
  const pauses = [2, 4, 7, 12, 25];
  let untilPause = 0;
  return Array.from({ length: 150 }, (_, word) => {
    untilPause -= 1;
    if (untilPause > 0) return [word];
    untilPause = random() < 0.2 ? 40 : Math.ceil(random() * 12);
    return [...Array.from({ length: pauses[Math.floor(random() * pauses.length)] ?? 0 }, () => null), word];
  }).flat();
}

test.for(Array.from({ length: 16 }, (_, seed) => seed))(
  "no word is lost, doubled or changed, however the audio comes and whenever it is decoded (%i)",
  async (seed) => {
    const random = createRandom(seed);
    const spoken = composeSpeech(random);
    const audio = speakWords(spoken);
    const turn = createTurn();
    const { events, ended } = listen(turn);
    const pieceMax = [0.02, 0.1, 1, 4][seed % 4] ?? 1;
    let heardEarly = 0;
    for (let at = 0; at < audio.length;) {
      const length = Math.ceil(pieceMax * (0.5 + random() / 2) * SECOND);
      await turn.intake.put(audio.slice(at, at + length), never);
      at += length;
      await rest(random() < 0.5 ? 0 : Math.floor(random() * ROUNDS));
      heardEarly = textOf(events).length;
    }
    await turn.intake.put(null, never);
    await ended;
    expect(textOf(events)).toBe(nameWords(spoken));
    expect(heardEarly).toBeGreaterThan(0);
    const heard = events.flatMap((event) => (event.type === "heard" ? [event.heardMs] : []));
    expect(heard).toEqual(heard.toSorted((a, b) => a - b));
    expect(heard.at(-1)).toBe(audio.length / 16);
    const tokens = events.flatMap((event) => (event.type === "text-delta" ? (event.logprobs ?? []) : []));
    expect(
      tokens
        .map(({ text }) => text)
        .join("")
        .trim(),
    ).toBe(nameWords(spoken));
    expect(events.at(-1)).toMatchObject({ type: "live-end", language: "en" });
  },
);

test("text comes while somebody speaks, and a word whose end was not heard is held back", async () => {
  const turn = createTurn();
  const { events, ended } = listen(turn);
  const audio = speakWords([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  for (let at = 0; at < audio.length; at += SECOND / 10) {
    await turn.intake.put(audio.slice(at, at + SECOND / 10), never);
    await rest();
  }
  const early = textOf(events);
  expect(early).toMatch(/^w001 w002 w003/);
  expect(early).not.toContain("half");
  expect(early).not.toContain("w010");
  await turn.intake.put(null, never);
  await ended;
  expect(textOf(events)).toBe(nameWords([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
});

test("what was decoded in the pause before the end is the text: nothing is decoded again", async () => {
  const turn = createTurn();
  const { events, ended } = listen(turn);
  await turn.intake.put(speakWords([1, 2, 3, null, null, null, null]), never);
  await rest();
  expect(textOf(events)).toBe("");
  const passes = turn.hearing.encoded.length;
  expect(passes).toBeGreaterThan(0);
  await turn.intake.put(null, never);
  await ended;
  expect(textOf(events)).toBe("w001 w002 w003");
  expect(turn.hearing.encoded).toHaveLength(passes);
});

test("in a longer pause the text is sent, though no more audio comes", async () => {
  const turn = createTurn();
  const { events, ended } = listen(turn);
  await turn.intake.put(speakWords([1, 2, 3, ...Array.from({ length: 12 }, () => null)]), never);
  await rest();
  expect(textOf(events)).toBe("w001 w002 w003");
  await turn.intake.put(null, never);
  await ended;
});

test("in a stall of the audio the text is sent but for its last word, which goes on afterwards", async () => {
  const turn = createTurn(createHearingModel(), createLiveSlots(), () => performance.now());
  const { events, ended } = listen(turn);
  const audio = speakWords([1, 2, 3, 4]);
  // Half of the last word.
  const stall = audio.length - 0.2 * SECOND;
  await turn.intake.put(audio.slice(0, stall), never);
  while (textOf(events) === "") await delay(50);
  expect(textOf(events)).toBe("w001 w002 w003");
  await turn.intake.put(audio.slice(stall), never);
  await turn.intake.put(null, never);
  await ended;
  expect(textOf(events)).toBe("w001 w002 w003 w004");
});

test("silence is not decoded, and has no language", async () => {
  const turn = createTurn();
  const { events, ended } = listen(turn);
  for (let second = 0; second < 30; second += 1) await turn.intake.put(new Float32Array(SECOND), never);
  await turn.intake.put(null, never);
  await ended;
  expect(turn.hearing.encoded).toEqual([]);
  expect(events.at(-1)).toMatchObject({ language: null, tokens: { audioTokens: 0, outputTokens: 0 } });
});

test("a turn that is behind takes no more audio than two windows, and goes on when it has caught up", async () => {
  const hearing = createHearingModel();
  const turn = createTurn(hearing);
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  hearing.gate = opened;
  const { events, ended } = listen(turn);
  const spoken = Array.from({ length: 150 }, (_, word) => word);
  const audio = speakWords(spoken);
  let taken = 0;
  const feeding = (async () => {
    for (let at = 0; at < audio.length; at += SECOND) {
      await turn.intake.put(audio.slice(at, at + SECOND), never);
      taken += 1;
    }
    await turn.intake.put(null, never);
  })();
  await rest(200);
  expect(taken).toBeGreaterThanOrEqual(20);
  expect(taken).toBeLessThanOrEqual(22);
  open();
  await Promise.all([feeding, ended]);
  expect(textOf(events)).toBe(nameWords(spoken));
});

test("an abort ends a turn between two tokens, and leaves its slots to others", async () => {
  const hearing = createHearingModel();
  const slots = createLiveSlots();
  const turn = createTurn(hearing, slots);
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  hearing.gate = opened;
  const controller = new AbortController();
  const { ended } = listen(turn, controller.signal);
  await turn.intake.put(speakWords([1, 2, 3, 4, 5]), never);
  await rest();
  const gone = new Error("gone");
  controller.abort(gone);
  open();
  await expect(ended).rejects.toBe(gone);
  expect(hearing.steps.count).toBe(0);
  const next = createTurn(hearing, slots);
  const { events, ended: nextEnded } = listen(next);
  await next.intake.put(speakWords([6, 7]), never);
  await next.intake.put(null, never);
  await nextEnded;
  expect(textOf(events)).toBe("w006 w007");
});

test("a model that fails ends the turn with its error", async () => {
  const hearing = createHearingModel();
  const broken = new Error("broken");
  hearing.gate = Promise.reject(broken);
  hearing.gate.catch(() => {});
  const turn = createTurn(hearing);
  const { ended } = listen(turn);
  const failed = expect(ended).rejects.toBe(broken);
  await turn.intake.put(speakWords([1, 2, 3, 4]), never);
  await failed;
});

test("twenty turns at once lose no text, and none is decoded beside more than two others", async () => {
  const hearing = createHearingModel();
  const slots = createLiveSlots();
  const texts = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const turn = createTurn(hearing, slots);
      const { events, ended } = listen(turn);
      const spoken = [index, index + 20, null, null, null, null, null, index + 40, index + 60];
      const audio = speakWords(spoken);
      for (let at = 0; at < audio.length; at += SECOND / 2) {
        await turn.intake.put(audio.slice(at, at + SECOND / 2), never);
      }
      await turn.intake.put(null, never);
      await ended;
      return [textOf(events), nameWords(spoken)];
    }),
  );
  for (const [text, spoken] of texts) expect(text).toBe(spoken);
});
