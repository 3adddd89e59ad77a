/**
 * A loaded Whisper: audio to what the decoder attends to, and tokens to the probabilities of the next one. It decides
 * nothing of what is decoded.
 */

import { importOnnxRuntime, openOnnxSession } from "../onnx/onnx-runtime.ts";
import type { OnnxModule, OnnxSession, OnnxTensor } from "../onnx/onnx-runtime.ts";
import { buildDecoderGraph } from "./decoder-graph.ts";
import { buildEncoderGraph } from "./encoder-graph.ts";
import { HOP_SAMPLES, buildLogMelGraph } from "./log-mel-graph.ts";
import { TextCache } from "./text-cache.ts";
import type { WhisperCheckpoint } from "./whisper-checkpoint.ts";
import type { WhisperConfig } from "./whisper-config.ts";

/** Samples of a position of the encoder: 20 ms at 16 kHz. */
export const POSITION_SAMPLES = 2 * HOP_SAMPLES;

/** Audio that was encoded. */
export interface EncodedAudio {
  readonly positions: number;
  readonly tensors: Readonly<Record<string, OnnxTensor>>;
}

/** What may follow a text. A logit is the logarithm of a probability, up to a constant that a step's logits share. */
export interface DecoderStep {
  /** Of the text tokens that may be sampled, the end of the text among them: in order, as many as were asked for. */
  readonly likeliest: readonly { readonly token: number; readonly logit: number }[];
  /** The logarithm of the sum of the exponentials of all those tokens' logits. */
  readonly textNorm: number;
  readonly endLogit: number;
  /** Logits of the timestamps, from the first one on. */
  readonly timestamps: Float32Array;
  /** Of each token of the vocabulary, the caller's to change; null where it was not asked for. */
  readonly logits: Float32Array | null;
  /** Of the last token: for each alignment head, a share for each position; null where it was not asked for. */
  readonly attention: readonly Float32Array[] | null;
}

export interface StepOptions {
  /** How many of the likeliest tokens are listed: at least one, and no more than there are text tokens. */
  readonly likeliest: number;
  readonly logits: boolean;
  readonly attention: boolean;
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
  step(continuations: readonly TextContinuation[], options: StepOptions): Promise<readonly DecoderStep[]>;
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
  readonly #options: TextOptions;
  readonly #cache: TextCache;

  constructor(options: TextOptions) {
    this.#options = options;
    this.#cache = new TextCache(options.runtime, options.config);
  }

  get length(): number {
    return this.#cache.length;
  }

  async step(
    continuations: readonly TextContinuation[],
    { likeliest, logits, attention }: StepOptions,
  ): Promise<readonly DecoderStep[]> {
    const { runtime, decoder, audio } = this.#options;
    const texts = continuations.length;
    const count = continuations[0]?.tokens.length ?? 0;
    const integers = (values: readonly number[], shape: readonly number[]): OnnxTensor =>
      new runtime.Tensor("int64", BigInt64Array.from(values, BigInt), shape);
    const parents = continuations.map(({ parent }) => parent);
    const inputs = {
      tokens: integers(
        continuations.flatMap(({ tokens }) => tokens),
        [texts, count],
      ),
      likeliest: integers([likeliest], [1]),
      ...this.#cache.describePast(parents),
    };
    const fetches = [
      ...RANKING,
      ...this.#cache.outputs,
      ...(logits ? ["logits"] : []),
      ...(attention ? ["attention"] : []),
    ];
    const results = await decoder.run({ ...audio.tensors, ...inputs }, fetches);
    this.#cache.append(parents, count, (name) => readFloats(findTensor(results, name)));
    return continuations.map((_, text) => readStep(results, text, texts));
  }
}

/** What a step always gives. */
const RANKING = ["likeliest_logits", "likeliest_tokens", "text_norm", "end_logit", "timestamps"];

function readStep(results: Readonly<Record<string, OnnxTensor>>, text: number, texts: number): DecoderStep {
  const read = (name: string): Float32Array => {
    const values = readFloats(findTensor(results, name));
    const size = values.length / texts;
    return values.subarray(text * size, (text + 1) * size);
  };
  const listed = read("likeliest_logits");
  const tokens = findTensor(results, "likeliest_tokens").data.slice(text * listed.length, (text + 1) * listed.length);
  return {
    likeliest: Array.from(listed, (logit, index) => ({ token: Number(tokens[index]), logit })),
    textNorm: read("text_norm")[0] ?? -Infinity,
    endLogit: read("end_logit")[0] ?? -Infinity,
    timestamps: read("timestamps"),
    logits: "logits" in results ? read("logits") : null,
    attention: "attention" in results ? readLastRows(findTensor(results, "attention"), text) : null,
  };
}

/** @param tensor [heads, texts, tokens, positions] */
function readLastRows(tensor: OnnxTensor, text: number): readonly Float32Array[] {
  const values = readFloats(tensor);
  const [heads = 0, texts = 1, tokens = 1, positions = 0] = tensor.dims;
  return Array.from({ length: heads }, (_, head) => {
    const start = ((head * texts + text) * tokens + tokens - 1) * positions;
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
