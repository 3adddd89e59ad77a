/** Opens the file that the converter made of a BERT encoder. The weights stay in the file. */

import { open } from "node:fs/promises";
import path from "node:path";
import { AiError } from "@openai-compat/core";
import type { z } from "zod";
import { readSafetensorsHeader } from "../models/convert/safetensors.ts";
import type { SafetensorsHeader, SafetensorsTensor, SafetensorsType } from "../models/convert/safetensors.ts";
import { BERT_FORMAT, BERT_METADATA, bertConfigSchema, vocabularySchema } from "./bert-config.ts";
import type { BertConfig } from "./bert-config.ts";

export interface BertCheckpoint {
  readonly modelPath: string;
  readonly config: BertConfig;
  /** The index is the id. */
  readonly vocabulary: readonly string[];
  /** @throws AiError `engine_unavailable` for one that the file lacks */
  find(name: string, dtype: SafetensorsType): SafetensorsTensor;
}

/** @throws AiError `engine_unavailable` for a file that is missing, damaged or of another kind */
export async function openBertCheckpoint(modelPath: string): Promise<BertCheckpoint> {
  const { metadata, tensors } = await readHeader(modelPath);
  const config = parseMetadata(metadata[BERT_METADATA.config], bertConfigSchema);
  const vocabulary = parseMetadata(metadata[BERT_METADATA.vocabulary], vocabularySchema);
  if (vocabulary.length !== config.vocabularySize) throw unusable("The model file is damaged.");
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return {
    modelPath: path.resolve(modelPath),
    config,
    vocabulary,
    find(name, dtype) {
      const tensor = byName.get(name);
      if (tensor?.dtype === dtype) return tensor;
      throw unusable(`The model file lacks the weights ${name}.`);
    },
  };
}

/** As `openBertCheckpoint`, for one who runs nothing. */
export async function readBertConfig(modelPath: string): Promise<BertConfig> {
  return parseMetadata((await readHeader(modelPath)).metadata[BERT_METADATA.config], bertConfigSchema);
}

async function readHeader(modelPath: string): Promise<SafetensorsHeader> {
  try {
    await using file = await open(modelPath, "r");
    const header = await readSafetensorsHeader(file);
    if (header.metadata[BERT_METADATA.format] === BERT_FORMAT) return header;
  } catch (thrown) {
    if (thrown instanceof AiError) throw unusable("The model file is damaged.", thrown);
    throw unusable("The model file does not exist or can't be read. Pull the model first.", thrown);
  }
  throw unusable("The model file is no sentence encoder that was converted for this engine.");
}

function parseMetadata<Schema extends z.ZodType>(text: string | undefined, schema: Schema): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(text ?? ""));
  } catch (thrown) {
    throw unusable("The model file does not say what its engine needs to know of it.", thrown);
  }
}

function unusable(message: string, cause?: unknown): AiError {
  return new AiError("engine_unavailable", message, { cause });
}
