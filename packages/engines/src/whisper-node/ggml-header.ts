/** What the head of a ggml file of Whisper says of the model. The weights are whisper.cpp's to read. */

import { open } from "node:fs/promises";
import { AiError } from "@openai-compat/core";

export interface GgmlHeader {
  readonly isMultilingual: boolean;
  /** As ISO 639-1 codes, or longer ones where there is none. */
  readonly languages: readonly string[];
  readonly vocabulary: number;
  readonly audioPositions: number;
  readonly audioWidth: number;
  readonly audioHeads: number;
  readonly textPositions: number;
  readonly textWidth: number;
  readonly textLayers: number;
  /** Bytes of each token of the text. */
  readonly textTokens: readonly Buffer[];
}

const MAGIC = 0x67_67_6d_6c;
const INTEGER_BYTES = 4;
const HEAD_INTEGERS = 12;
/** Models of English have one token less. */
const MULTILINGUAL_VOCABULARY_MIN = 51_865;
/** Of tokens that are no language's, in a multilingual vocabulary. */
const OTHER_TOKENS = 51_766;
/** Of the largest model, with room. */
const VOCABULARY_MAX = 60_000;
const FILTERS_MAX = 1_000_000;
/** The vocabulary takes 400 KB, and the filters 100 KB. */
const READ_BYTES_MAX = 4 * 1024 * 1024;

/** In the order of Whisper's tokens; `jv` is `jw` there. */
const LANGUAGES =
  "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jv su yue".split(
    " ",
  );

/** @throws AiError `engine_unavailable` for a file that is missing or none of Whisper's */
export async function readGgmlHeader(modelPath: string): Promise<GgmlHeader> {
  const bytes = await readHead(modelPath).catch((thrown: unknown) => {
    throw new AiError("engine_unavailable", "The model file can't be read.", { cause: thrown });
  });
  try {
    return decodeHeader(bytes);
  } catch (thrown) {
    const message = "The model file is no ggml file of Whisper, such as ggml-base.bin.";
    throw new AiError("engine_unavailable", message, { cause: thrown });
  }
}

/** Whisper's own code of a language. */
export function toWhisperLanguage(code: string): string {
  return code === "jv" ? "jw" : code;
}

export function toIsoLanguage(code: string): string {
  return code === "jw" ? "jv" : code;
}

async function readHead(modelPath: string): Promise<Buffer> {
  await using file = await open(modelPath, "r");
  const { buffer, bytesRead } = await file.read(Buffer.alloc(READ_BYTES_MAX), 0, READ_BYTES_MAX, 0);
  return buffer.subarray(0, bytesRead);
}

function decodeHeader(bytes: Buffer): GgmlHeader {
  let at = 0;
  const readInteger = (): number => {
    const value = bytes.readInt32LE(at);
    at += INTEGER_BYTES;
    return value;
  };
  if (readInteger() !== MAGIC) throw new Error("It does not begin as one.");
  const numbers = Array.from({ length: HEAD_INTEGERS - 1 }, readInteger);
  if (numbers.slice(0, -1).some((number) => number < 1)) throw new Error("A size in it is not positive.");
  const [vocabulary = 0, audioPositions = 0, audioWidth = 0, audioHeads = 0] = numbers;
  const [textPositions = 0, textWidth = 0, , textLayers = 0] = numbers.slice(5);
  const filters = readInteger() * readInteger();
  if (vocabulary > VOCABULARY_MAX || filters < 0 || filters > FILTERS_MAX)
    throw new Error("A size in it is too large.");
  at += filters * INTEGER_BYTES;
  const words = readInteger();
  if (words < 0 || words > vocabulary) throw new Error("Its vocabulary has another size than it says.");
  const textTokens = Array.from({ length: words }, () => {
    const length = readInteger();
    const token = bytes.subarray(at, at + length);
    if (token.length !== length) throw new Error("Its vocabulary is cut.");
    at += length;
    // A copy: what was read of the weights need not be kept for it.
    return Buffer.from(token);
  });
  const isMultilingual = vocabulary >= MULTILINGUAL_VOCABULARY_MIN;
  return {
    isMultilingual,
    languages: isMultilingual ? LANGUAGES.slice(0, vocabulary - OTHER_TOKENS) : ["en"],
    vocabulary,
    audioPositions,
    audioWidth,
    audioHeads,
    textPositions,
    textWidth,
    textLayers,
    textTokens,
  };
}
