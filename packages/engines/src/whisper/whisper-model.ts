/**
 * A loaded Whisper: audio to what the decoder attends to, and tokens to the probabilities of the next one. It decides
 * nothing of what is decoded.
 */

import { importOnnxRuntime, openOnnxSession } from "../onnx/onnx-runtime.ts";
import type { OnnxModule, OnnxSession, OnnxTensor } from "../onnx/onnx-runtime.ts";
import { buildDecoderGraph } from "./decoder-graph.ts";
import { buildEncoderGraph } from "./encoder-graph.ts";
import { HOP_SAMPLES, buildLogMelGraph } from "./log-mel-graph.ts";
import type { WhisperCheckpoint } from "./whisper-checkpoint.ts";
import type { WhisperConfig } from "./whisper-config.ts";

/** Samples of a position of the encoder: 20 ms at 16 kHz. */
export const POSITION_SAMPLES = 2 * HOP_SAMPLES;

/** Audio that was encoded. */
export interface EncodedAudio {
  readonly positions: number;
  readonly tensors: Readonly<Record<string, OnnxTensor>>;
}

export interface DecoderStep {
  /** Of each token of the vocabulary: the logarithm of its probability, up to a constant. The caller's to change. */
  readonly logits: Float32Array;
  /** Of the last token: for each alignment head, a share for each position; null where it was not asked for. */
  readonly attention: readonly Float32Array[] | null;
}

/** How a text goes on. */
export interface TextContinuation {
  /** Which text of the last step it continues; 0 at first. */
  readonly parent: number;
  /** At least one, and as many in each: the runtime ends the process where there is none. */
  readonly tokens: readonly number[];
}

/** Texts of the same length that grow side by side. */
export interface DecoderState {
  /** Of each text, in tokens. */
  readonly length: number;
  /** @returns what follows each of them */
  step(
    continuations: readonly TextContinuation[],
    options: { readonly attention: boolean },
  ): Promise<readonly DecoderStep[]>;
}

export interface WhisperModel {
  readonly config: WhisperConfig;
  /** Samples of the longest window. */
  readonly windowSamples: number;
  /** @param samples of 16 kHz, as long as a window at most; a multiple of a position */
  encode(samples: Float32Array): Promise<EncodedAudio>;
  decode(audio: EncodedAudio): DecoderState;
  dispose(): Promise<void>;
}

/** @throws Error of the runtime, or AiError `engine_unavailable` */
export async function loadWhisperModel(checkpoint: WhisperCheckpoint, threads: number): Promise<WhisperModel> {
  const { config, directory } = checkpoint;
  const runtime = await importOnnxRuntime();
  const opened: OnnxSession[] = [];
  const openGraph = async (model: Buffer): Promise<OnnxSession> => {
    const session = await openOnnxSession(runtime, { model, weightsDirectory: directory, threads });
    opened.push(session);
    return session;
  };
  const dispose = async (): Promise<void> => {
    await Promise.all(opened.splice(0).map((session) => session.release()));
  };
  try {
    const frontEnd = await openGraph(buildLogMelGraph(config.mels));
    const encoder = await openGraph(buildEncoderGraph(checkpoint));
    const decoder = await openGraph(buildDecoderGraph(checkpoint));
    return {
      config,
      windowSamples: config.audioPositions * POSITION_SAMPLES,
      async encode(samples) {
        const audio = new runtime.Tensor("float32", samples, [samples.length]);
        const tensors = await encoder.run(await frontEnd.run({ audio }));
        return { positions: samples.length / POSITION_SAMPLES, tensors };
      },
      decode: (audio) => new GrowingTexts({ runtime, decoder, config, audio }),
      dispose,
    };
  } catch (thrown) {
    await dispose();
    throw thrown;
  }
}

interface TextOptions {
  readonly runtime: OnnxModule;
  readonly decoder: OnnxSession;
  readonly config: WhisperConfig;
  readonly audio: EncodedAudio;
}

class GrowingTexts implements DecoderState {
  length = 0;
  readonly #options: TextOptions;
  #past: Readonly<Record<string, OnnxTensor>>;

  constructor(options: TextOptions) {
    this.#options = options;
    this.#past = createEmptyPast(options);
  }

  async step(
    continuations: readonly TextContinuation[],
    { attention }: { readonly attention: boolean },
  ): Promise<readonly DecoderStep[]> {
    const { runtime, decoder, config, audio } = this.#options;
    const texts = continuations.length;
    const count = continuations[0]?.tokens.length ?? 0;
    const integers = (values: readonly number[], shape: readonly number[]): OnnxTensor =>
      new runtime.Tensor("int64", BigInt64Array.from(values, BigInt), shape);
    const tokens = integers(
      continuations.flatMap((text) => text.tokens),
      [texts, count],
    );
    const parents = integers(
      continuations.map(({ parent }) => parent),
      [texts],
    );
    const caches = Object.keys(this.#past);
    const fetches = ["logits", ...caches.map((name) => `new_${name}`), ...(attention ? ["attention"] : [])];
    const results = await decoder.run({ ...audio.tensors, ...this.#past, tokens, parents }, fetches);
    this.#past = Object.fromEntries(caches.map((name) => [name, findTensor(results, `new_${name}`)]));
    this.length += count;
    const logits = readFloats(findTensor(results, "logits"));
    const size = config.vocabularySize;
    const rows = attention ? findTensor(results, "attention") : null;
    return continuations.map((_, text) => ({
      logits: logits.subarray(text * size, (text + 1) * size),
      attention: rows === null ? null : readLastRows(rows, text),
    }));
  }
}

function createEmptyPast({ runtime, config }: TextOptions): Readonly<Record<string, OnnxTensor>> {
  const shape = [1, config.heads, 0, config.width / config.heads];
  const names = Array.from({ length: config.decoderLayers }, (_, layer) => [`k_${layer}`, `v_${layer}`]).flat();
  return Object.fromEntries(names.map((name) => [name, new runtime.Tensor("float32", new Float32Array(0), shape)]));
}

/** @param tensor [texts, heads, tokens, positions] */
function readLastRows(tensor: OnnxTensor, text: number): readonly Float32Array[] {
  const values = readFloats(tensor);
  const [, heads = 0, tokens = 1, positions = 0] = tensor.dims;
  return Array.from({ length: heads }, (_, head) => {
    const start = ((text * heads + head) * tokens + tokens - 1) * positions;
    return values.slice(start, start + positions);
  });
}

function findTensor(results: Readonly<Record<string, OnnxTensor>>, name: string): OnnxTensor {
  const tensor = results[name];
  if (tensor === undefined) throw new Error(`The graph has no output ${name}.`);
  return tensor;
}

function readFloats({ data }: OnnxTensor): Float32Array {
  if (data instanceof Float32Array) return data;
  throw new Error("The graph's output is not of 32-bit floats.");
}
