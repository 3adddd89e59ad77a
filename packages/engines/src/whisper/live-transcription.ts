/**
 * One turn of live audio: it is taken as it comes, and decoded again and again while it grows. Parts that a pause has
 * ended are decoded for good, so that a long turn takes no more memory or time for each second than a short one.
 */

import { setImmediate } from "node:timers/promises";
import type { LiveEvent, LiveOptions } from "@openai-compat/core";
import type { SampleIntake } from "../transcription/sample-intake.ts";
import type { GrowingPart, SpeechPart, SpeechParts } from "../vad/speech-parts.ts";
import type { WindowOptions, WindowText } from "./decode-window.ts";
import { LiveOutbox } from "./live-outbox.ts";
import { LivePacing } from "./live-pacing.ts";
import type { Growth, PassQuality } from "./live-pacing.ts";
import { carrySentText } from "./live-seam.ts";
import type { LiveSlots } from "./live-slots.ts";
import { LiveText } from "./live-text.ts";
import type { Pass } from "./live-text.ts";
import type { StepTurns, StepUrgency } from "./step-turns.ts";
import type { WhisperModel } from "./whisper-model.ts";
import type { WhisperText } from "./whisper-text.ts";
import { WindowReader } from "./window-reader.ts";
import { splitWindow } from "./window-segments.ts";

export interface LiveSetup {
  readonly model: WhisperModel;
  readonly text: WhisperText;
  readonly parts: SpeechParts;
  readonly turns: StepTurns;
  readonly slots: LiveSlots;
  readonly options: LiveOptions;
  readonly previousText: boolean;
  readonly beams: number;
  readonly nowMs: () => number;
}

const SAMPLES_PER_MS = 16;
/** Windows of audio that a turn holds before it waits with taking more. */
const HELD_WINDOWS_MAX = 2;

/** A pass that runs. */
interface RunningPass {
  readonly quality: PassQuality;
  readonly growing: GrowingPart;
  readonly controller: AbortController;
  urgency: StepUrgency;
  hasBegun: boolean;
  isDone: boolean;
}

export class LiveTranscription {
  readonly #setup: LiveSetup;
  readonly #reader: WindowReader;
  readonly #text: LiveText;
  readonly #pacing = new LivePacing();
  readonly #outbox = new LiveOutbox();
  #isEnded = false;
  /** Since when audio has been waited for; null while some is taken. */
  #waitsSinceMs: number | null = null;
  /** A part that ended during a pass. */
  #taken: SpeechPart | null = null;
  readonly #watchers = new Set<() => void>();

  constructor(setup: LiveSetup) {
    this.#setup = setup;
    const { model, text, previousText, options } = setup;
    const { prompt, languages, logprobs } = options;
    this.#reader = new WindowReader({ model, text, previousText, prompt, languages });
    this.#text = new LiveText({ text, reader: this.#reader, endOfText: model.config.tokens.endOfText, logprobs });
  }

  async *transcribe(intake: SampleIntake, signal: AbortSignal): AsyncGenerator<LiveEvent, void> {
    const stopped = new AbortController();
    const stop = AbortSignal.any([signal, stopped.signal]);
    const stopAll = (thrown: unknown): never => {
      stopped.abort(thrown);
      throw thrown;
    };
    const work = Promise.all([this.#listen(intake, stop).catch(stopAll), this.#decodeAll(stop).catch(stopAll)]);
    const settled = work.then(
      () => this.#outbox.close(),
      () => this.#outbox.close(),
    );
    try {
      yield* this.#outbox.read();
      await work;
      yield { type: "live-end", language: this.#text.language, tokens: this.#reader.tokens };
    } finally {
      stopped.abort();
      await settled;
    }
  }

  async #listen(intake: SampleIntake, signal: AbortSignal): Promise<void> {
    const { parts, model, nowMs } = this.#setup;
    let heardSamples = 0;
    for (;;) {
      while (parts.heldSamples > HELD_WINDOWS_MAX * model.windowSamples) await this.#changed(signal);
      this.#waitsSinceMs = nowMs();
      const samples = await intake.take(signal);
      this.#waitsSinceMs = null;
      if (samples === null) break;
      await parts.feed(samples);
      heardSamples += samples.length;
      this.#outbox.hear(Math.ceil(heardSamples / SAMPLES_PER_MS));
      this.#notify();
    }
    await parts.finish();
    this.#isEnded = true;
    this.#notify();
  }

  async #decodeAll(signal: AbortSignal): Promise<void> {
    const { parts, nowMs } = this.#setup;
    for (;;) {
      // A step of the model holds up the event loop: what came meanwhile is taken first.
      await setImmediate();
      const isEnded = this.#isEnded;
      const part = this.#taken ?? parts.take();
      this.#taken = null;
      // What is behind the part, or nobody has spoken in, is not held any more.
      this.#notify();
      if (part !== null) {
        await this.#endPart(part, signal);
        continue;
      }
      if (isEnded) return;
      const growing = parts.growing();
      if (growing === null) await this.#changed(signal);
      else await this.#follow({ growing, stalledMs: nowMs() - (this.#waitsSinceMs ?? nowMs()) }, signal);
    }
  }

  async #follow(growth: Growth, signal: AbortSignal): Promise<void> {
    if (this.#pacing.isSettled(growth) && this.#text.last?.quality === "final") {
      await this.#put(this.#text.settle(this.#pacing.isSpokenOut(growth)));
    }
    const waitMs = this.#pacing.untilPassMs(growth, this.#setup.nowMs());
    if (waitMs <= 0) await this.#runPass(growth, signal);
    else await this.#changed(signal, Math.min(waitMs, this.#pacing.untilPauseMs(growth)));
  }

  /** Goes over the part that grows, until the part has ended without the pass being of use for its text. */
  async #runPass(growth: Growth, signal: AbortSignal): Promise<void> {
    const { nowMs } = this.#setup;
    const { growing } = growth;
    const quality = this.#pacing.qualityOf(growth);
    const controller = new AbortController();
    const pass: RunningPass = { growing, quality, controller, urgency: "draft", hasBegun: false, isDone: false };
    const stop = AbortSignal.any([signal, controller.signal]);
    this.#pacing.begin(growth, nowMs());
    const work = this.#read(pass, stop).finally(() => {
      pass.isDone = true;
      this.#notify();
    });
    // It is thrown below.
    work.catch(() => {});
    await this.#untilDone(pass, signal);
    if (!pass.isDone) {
      if (pass.quality === "final" && pass.hasBegun && isOf(growing, this.#taken)) pass.urgency = "final";
      else controller.abort();
    }
    try {
      await work;
    } catch (thrown) {
      if (thrown !== controller.signal.reason) throw thrown;
    } finally {
      this.#pacing.end(nowMs());
    }
  }

  /** Resolves when the pass is done, or its part has ended. */
  async #untilDone(pass: RunningPass, signal: AbortSignal): Promise<void> {
    while (!pass.isDone && !this.#isEnded && this.#taken === null) {
      await this.#changed(signal);
      this.#taken = pass.isDone ? null : this.#setup.parts.take();
    }
  }

  async #read(pass: RunningPass, signal: AbortSignal): Promise<void> {
    const { parts, slots, turns, beams } = this.#setup;
    const { startSample, endSample } = pass.growing;
    const slot = await slots.passes.acquire(signal);
    try {
      pass.hasBegun = true;
      const samples = parts.copy(startSample, endSample);
      const compute: WindowOptions["compute"] = async (step) =>
        turns.run(step, { call: pass, urgency: pass.urgency }, signal);
      const isFinal = pass.quality === "final";
      const [decoded, language] = await this.#decode(samples, {
        prefix: this.#text.sent,
        fallback: isFinal,
        beams: isFinal ? beams : 1,
        attention: false,
        compute,
      });
      await this.#put(this.#text.addPass({ startSample, samples, quality: pass.quality, language, decoded }));
    } finally {
      slots.passes.release(slot);
    }
  }

  async #decode(
    samples: Float32Array,
    options: Pick<WindowOptions, "prefix" | "fallback" | "beams" | "attention" | "compute">,
  ): Promise<readonly [WindowText, string]> {
    const audio = await this.#reader.encode(samples, options.compute);
    const language = this.#text.language ?? (await this.#reader.findLanguage(audio, options.compute)).code;
    const decoded = await this.#reader.decode(audio, samples, {
      ...options,
      task: "transcribe",
      temperature: 0,
      language,
    });
    return [decoded, language];
  }

  /** The part will not grow any more: all of its text is sent. */
  async #endPart(part: SpeechPart, signal: AbortSignal): Promise<void> {
    const { last } = this.#text;
    if (
      last?.quality === "final" &&
      last.startSample === part.startSample &&
      last.samples.length === part.samples.length
    ) {
      await this.#sendPart(part, last, signal);
      return;
    }
    const { slots } = this.#setup;
    const slot = await slots.finals.acquire(signal);
    try {
      await this.#sendPart(part, null, signal);
    } finally {
      slots.finals.release(slot);
    }
  }

  /** @param pass that has decoded the part already */
  async #sendPart(part: SpeechPart, pass: Pass | null, signal: AbortSignal): Promise<void> {
    const { parts, turns, model, beams } = this.#setup;
    const compute: WindowOptions["compute"] = async (step) => turns.run(step, { call: this, urgency: "final" }, signal);
    if (await this.#carryOver(part, compute)) return;
    const endSample = part.startSample + part.samples.length;
    let from = 0;
    while (from < part.samples.length) {
      if (from > 0 && !part.isCut && !parts.hasSpeech(part.startSample + from, endSample)) break;
      const samples = part.samples.subarray(from, from + this.#reader.windowSamplesMax);
      const options = { prefix: this.#text.sent, fallback: true, beams, attention: false, compute };
      const [decoded, language] =
        pass !== null && from === 0 ? [pass.decoded, pass.language] : await this.#decode(samples, options);
      this.#reader.count(decoded, samples.length);
      const { segments, advanceSamples } = splitWindow(decoded.tokens, samples.length, model.config.tokens);
      const isExplained = (segments.at(-1)?.to ?? 0) >= this.#text.sent.tokens.length;
      const count = isExplained ? (segments.at(-1)?.to ?? 0) : decoded.tokens.length;
      if (!decoded.isSilence) {
        await this.#put(this.#text.send(decoded, count, language));
        this.#reader.follow(decoded);
      }
      this.#text.beginPart();
      from += decoded.isSilence || !isExplained ? samples.length : advanceSamples;
      if (part.isCut && from < part.samples.length) {
        parts.putBack(part.startSample + from);
        break;
      }
    }
  }

  /** Where text was sent of what comes after the part, the next one begins within it. @returns whether it does */
  async #carryOver(part: SpeechPart, compute: WindowOptions["compute"]): Promise<boolean> {
    const { last, sent } = this.#text;
    if (last === null || sent.tokens.length === 0 || last.samples.length <= part.samples.length) return false;
    const options = { prefix: sent, fallback: false, beams: 1, attention: true, compute };
    const [decoded] = await this.#decode(last.samples, options);
    const { model, text, parts } = this.#setup;
    const carried = carrySentText(
      { ...decoded, samples: last.samples.length },
      { sent, partSamples: part.samples.length, tokens: model.config.tokens, text },
    );
    if (carried === null) return false;
    this.#reader.count(
      { promptTokens: decoded.promptTokens, tokens: sent.tokens.slice(0, carried.passedTokens) },
      carried.fromSample,
    );
    this.#reader.follow({ ...decoded, tokens: sent.tokens.slice(0, carried.passedTokens) });
    parts.putBack(part.startSample + carried.fromSample);
    this.#text.beginPart(carried.sent);
    return true;
  }

  async #put(event: LiveEvent | null): Promise<void> {
    if (event !== null) await this.#outbox.put(event);
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** Resolves when audio came, the audio or a pass ended, or so much time has passed. */
  async #changed(signal: AbortSignal, timeMs = Infinity): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => reject(signal.reason);
    this.#watchers.add(resolve);
    signal.addEventListener("abort", onAbort, { once: true });
    const timer = timeMs === Infinity ? undefined : setTimeout(resolve, timeMs);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(resolve);
      signal.removeEventListener("abort", onAbort);
    }
  }
}

/** Whether the part has not grown since. */
function isOf({ startSample, endSample }: GrowingPart, part: SpeechPart | null): boolean {
  return part !== null && part.startSample === startSample && part.samples.length === endSample - startSample;
}
