/** The two kinds of acoustic models behind one interface: phonemes of one piece of text in, samples at 24 kHz out. */

import { readFile } from "node:fs/promises";
import { AiError } from "@openai-compat/core";
import { openOnnxSession } from "../../onnx/onnx-runtime.ts";
import type { OnnxModule, OnnxSession, OnnxTensor } from "../../onnx/onnx-runtime.ts";
import { SPECTRUM_BINS, renderSpectrum } from "./spectrum-to-sound.ts";

export interface RenderOptions {
  readonly voice: string;
  /** Within what the model was trained for. */
  readonly speed: number;
}

export interface VoiceGraph {
  /** Symbols that it takes at most, those at both ends not counted. */
  readonly symbolsMax: number;
  /** @param symbols numbers of phonemes, at least one */
  render(symbols: readonly number[], options: RenderOptions): Promise<Float32Array<ArrayBuffer>>;
  dispose(): Promise<void>;
}

export interface GraphOptions {
  /** The path of the model's file, or its bytes. */
  readonly model: string | Uint8Array;
  readonly threads: number;
}

const HIBARI_SYMBOLS_MAX = 400;
/** One style for each length of an utterance. */
const KOKORO_STYLES = 510;
const STYLE_VALUES = 256;
const STYLE_BYTES = STYLE_VALUES * 4;
/** The symbol before the first and after the last. */
const EDGE = 0;

/** One voice; its output is a spectrum. @throws AiError `engine_unavailable` for a file that is no such model */
export async function openHibariGraph(runtime: OnnxModule, options: GraphOptions): Promise<VoiceGraph> {
  const session = await openGraph(runtime, options, ["ids", "speed"]);
  const { Tensor } = runtime;
  return {
    symbolsMax: HIBARI_SYMBOLS_MAX,
    async render(symbols, { speed }) {
      const ids = encodeSymbols(runtime, symbols);
      const output = await session.run({ ids, speed: new Tensor("float32", Float32Array.of(speed), [1]) });
      const read = (name: string): Float32Array => {
        const data = output[name]?.data;
        if (data instanceof Float32Array) return data;
        throw new AiError("engine_failed", `The voice's model has no output ${name}.`);
      };
      const f0 = read("f0");
      const rows = ["lh", "theta", "ln", "lr", "phi"].map(read);
      const [lh, theta, ln, lr, phi] = rows;
      const isWhole = rows.every((row) => row.length === SPECTRUM_BINS * f0.length);
      if (
        !isWhole ||
        lh === undefined ||
        theta === undefined ||
        ln === undefined ||
        lr === undefined ||
        phi === undefined
      ) {
        throw new AiError("engine_failed", "The voice's model gave a spectrum of another shape.");
      }
      return renderSpectrum({ lh, theta, ln, lr, phi, f0 }, Math.random);
    },
    dispose: () => session.release(),
  };
}

export interface KokoroOptions extends GraphOptions {
  /** The styles of all voices, one after the other. */
  readonly stylesPath: string;
  /** In the order of the styles. */
  readonly voices: readonly string[];
}

/** Many voices, one model. @throws AiError `engine_unavailable` for files that are no such model */
export async function openKokoroGraph(runtime: OnnxModule, options: KokoroOptions): Promise<VoiceGraph> {
  const { stylesPath, voices } = options;
  const styles = await readStyles(stylesPath, voices.length);
  const session = await openGraph(runtime, options, ["tokens", "style", "speed"]);
  const { Tensor } = runtime;
  return {
    symbolsMax: KOKORO_STYLES - 1,
    async render(symbols, { voice, speed }) {
      const start = (voices.indexOf(voice) * KOKORO_STYLES + symbols.length) * STYLE_VALUES;
      const style = styles.slice(start, start + STYLE_VALUES);
      const output = await session.run({
        tokens: encodeSymbols(runtime, symbols),
        style: new Tensor("float32", style, [1, STYLE_VALUES]),
        speed: new Tensor("float32", Float32Array.of(speed), [1]),
      });
      const [sound] = Object.values(output);
      if (sound?.data instanceof Float32Array) return new Float32Array(sound.data);
      throw new AiError("engine_failed", "The voice's model gave no sound.");
    },
    dispose: () => session.release(),
  };
}

function encodeSymbols({ Tensor }: OnnxModule, symbols: readonly number[]): OnnxTensor {
  const ids = BigInt64Array.from([EDGE, ...symbols, EDGE], BigInt);
  return new Tensor("int64", ids, [1, ids.length]);
}

async function openGraph(
  runtime: OnnxModule,
  { model, threads }: GraphOptions,
  inputs: readonly string[],
): Promise<OnnxSession> {
  const name = typeof model === "string" ? model : "of the voice";
  let session: OnnxSession;
  try {
    session = await openOnnxSession(runtime, { model, threads });
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new AiError("engine_unavailable", `The model ${name} can't be loaded: ${reason}`, { cause: thrown });
  }
  const missing = inputs.filter((input) => !session.inputNames.includes(input));
  if (missing.length === 0) return session;
  await session.release();
  throw new AiError("engine_unavailable", `The model ${name} is no voice: it has no input ${missing.join(", ")}.`);
}

async function readStyles(stylesPath: string, voices: number): Promise<Float32Array<ArrayBuffer>> {
  let bytes: Buffer;
  try {
    bytes = await readFile(stylesPath);
  } catch (thrown) {
    throw new AiError("engine_unavailable", `The voices in ${stylesPath} can't be read.`, { cause: thrown });
  }
  if (bytes.length !== voices * KOKORO_STYLES * STYLE_BYTES) {
    throw new AiError("engine_unavailable", `${stylesPath} does not hold ${voices} voices.`);
  }
  return Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}
