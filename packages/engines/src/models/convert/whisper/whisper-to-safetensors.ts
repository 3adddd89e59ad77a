/**
 * Writes a Whisper checkpoint of CTranslate2 (weights, vocabulary, configuration) as one safetensors file that the
 * Whisper engine runs: matrices as 8-bit integers with a scale for each block, half of their size, everything else as
 * 32-bit floats. Names are CTranslate2's. Reads and writes in chunks, so memory stays bounded.
 */

import { open, readFile, type FileHandle } from "node:fs/promises";
import { AiError } from "@openai-compat/core";
import { z } from "zod";
import {
  QUANTISED_BLOCK_WEIGHTS,
  WHISPER_FORMAT,
  WHISPER_METADATA,
  type WhisperConfig,
} from "../../../whisper/whisper-config.ts";
import { writePinnableFile, type WriteOptions, type WrittenFile } from "../../write-pinnable-file.ts";
import { encodeFloats, quantiseBlocks } from "../encode-weights.ts";
import { countElements, readCt2Floats, readCt2Integer, readCt2Variables, type Ct2Variable } from "./ct2-reader.ts";
import { encodeSafetensorsHeader, type NewTensor } from "../safetensors-writer.ts";
import { readWhisperVocabulary } from "./whisper-vocabulary.ts";

export interface WhisperConversionOptions extends WriteOptions {
  readonly weightsPath: string;
  readonly vocabularyPath: string;
  /** CTranslate2's `config.json`. */
  readonly configPath: string;
}

const ct2ConfigSchema = z.object({
  alignment_heads: z.array(z.tuple([z.int(), z.int()])).min(1),
  suppress_ids: z.array(z.int()),
  suppress_ids_begin: z.array(z.int()),
});

/** About ten milliseconds of work. */
const CHUNK_WEIGHTS = 256 * 1024;
const QUANTISED =
  /^(?:decoder\/embeddings|(?:en|de)coder\/layer_\d+\/(?:self_attention|attention|ffn)\/linear_\d)\/weight$/;
const KEPT =
  /^(?:encoder\/conv[12]\/(?:weight|bias)|(?:en|de)coder\/position_encodings\/encodings|(?:en|de)coder\/layer_norm\/(?:gamma|beta)|(?:en|de)coder\/layer_\d+\/(?:self_attention|attention|ffn)\/(?:linear_\d\/bias|layer_norm\/(?:gamma|beta)))$/;

/**
 * @returns size and checksum of what was written; they depend on the three files alone
 * @throws AiError `invalid_value` when a file is damaged or is no Whisper
 */
export async function convertWhisperToSafetensors(options: WhisperConversionOptions): Promise<WrittenFile> {
  await using source = await open(options.weightsPath, "r");
  const variables = await readCt2Variables(source);
  const metadata = await describeModel(source, variables, options);
  const kept = [...variables.values()].filter(({ name }) => QUANTISED.test(name) || KEPT.test(name));
  const tensors = kept.flatMap(planTensors);
  const { header, totalBytes } = encodeSafetensorsHeader(tensors, metadata);
  return await writePinnableFile(options, { pieces: encodeFile(source, header, kept), totalBytes });
}

function planTensors({ name, shape }: Ct2Variable): readonly NewTensor[] {
  if (!QUANTISED.test(name)) return [{ name, dtype: "F32", shape }];
  const [rows = 0, columns = 0] = shape;
  if (shape.length !== 2 || columns % QUANTISED_BLOCK_WEIGHTS !== 0) throw notWhisper(`${name} has an odd shape`);
  return [
    { name, dtype: "U8", shape: [rows, columns] },
    { name: `${name}_scale`, dtype: "F32", shape: [rows, columns / QUANTISED_BLOCK_WEIGHTS] },
  ];
}

async function* encodeFile(
  source: FileHandle,
  header: Uint8Array,
  variables: readonly Ct2Variable[],
): AsyncGenerator<Uint8Array> {
  yield header;
  for (const variable of variables) {
    const scales: Buffer[] = [];
    const total = countElements(variable.shape);
    for (let from = 0; from < total; from += CHUNK_WEIGHTS) {
      const weights = await readCt2Floats(source, variable, { from, count: Math.min(CHUNK_WEIGHTS, total - from) });
      if (!weights.every(Number.isFinite)) throw notWhisper(`${variable.name} holds something that is not a number`);
      if (!QUANTISED.test(variable.name)) yield encodeFloats(weights);
      else {
        const quantised = quantiseBlocks(weights, QUANTISED_BLOCK_WEIGHTS);
        scales.push(encodeFloats(quantised.scales));
        yield quantised.values;
      }
    }
    yield* scales;
  }
}

async function describeModel(
  source: FileHandle,
  variables: ReadonlyMap<string, Ct2Variable>,
  { vocabularyPath, configPath }: WhisperConversionOptions,
): Promise<Readonly<Record<string, string>>> {
  const find = (name: string): Ct2Variable => {
    const variable = variables.get(name);
    if (variable === undefined) throw notWhisper(`it has no ${name}`);
    return variable;
  };
  const countLayers = (side: string): number => {
    let layers = 0;
    while (variables.has(`${side}/layer_${layers}/self_attention/linear_0/weight`)) layers += 1;
    return layers;
  };
  const [vocabularySize = 0, width = 0] = find("decoder/embeddings/weight").shape;
  const vocabulary = readWhisperVocabulary(await readFile(vocabularyPath, "utf8"));
  const ct2 = parseConfig(await readFile(configPath, "utf8"));
  const config: WhisperConfig = {
    width,
    heads: await readCt2Integer(source, find("encoder/num_heads")),
    encoderLayers: countLayers("encoder"),
    decoderLayers: countLayers("decoder"),
    mels: find("encoder/conv1/weight").shape[1] ?? 0,
    vocabularySize,
    textPositions: find("decoder/position_encodings/encodings").shape[0] ?? 0,
    audioPositions: find("encoder/position_encodings/encodings").shape[0] ?? 0,
    isMultilingual: vocabulary.isMultilingual,
    tokens: vocabulary.tokens,
    languages: vocabulary.languages,
    suppressed: ct2.suppress_ids,
    suppressedFirst: ct2.suppress_ids_begin,
    alignmentHeads: ct2.alignment_heads,
  };
  return {
    [WHISPER_METADATA.format]: WHISPER_FORMAT,
    [WHISPER_METADATA.config]: JSON.stringify(config),
    [WHISPER_METADATA.tokens]: JSON.stringify(vocabulary.textTokens.map((token) => token.toString("base64"))),
  };
}

function parseConfig(content: string): z.output<typeof ct2ConfigSchema> {
  try {
    return ct2ConfigSchema.parse(JSON.parse(content));
  } catch (thrown) {
    throw new AiError("invalid_value", "The checkpoint's config.json lacks what the engine needs.", { cause: thrown });
  }
}

function notWhisper(reason: string): AiError {
  return new AiError("invalid_value", `The model is no Whisper that can be converted: ${reason}.`);
}
