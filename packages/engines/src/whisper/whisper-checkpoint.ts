/** Opens the file that the converter made of a Whisper checkpoint. The weights stay in the file. */

import { open } from "node:fs/promises";
import path from "node:path";
import { AiError } from "@openai-compat/core";
import { z } from "zod";
import { readSafetensorsHeader } from "../models/convert/safetensors.ts";
import type { SafetensorsHeader, SafetensorsTensor } from "../models/convert/safetensors.ts";
import { WHISPER_FORMAT, WHISPER_METADATA, whisperConfigSchema } from "./whisper-config.ts";
import type { WhisperConfig } from "./whisper-config.ts";

export interface WhisperCheckpoint {
  readonly directory: string;
  readonly fileName: string;
  readonly config: WhisperConfig;
  /** Bytes of each text token; its index is its id. */
  readonly textTokens: readonly Buffer[];
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
}

const tokensSchema = z.array(z.base64());

/** @throws AiError `engine_unavailable` for a file that is missing, damaged or of another kind */
export async function openWhisperCheckpoint(modelPath: string): Promise<WhisperCheckpoint> {
  const { metadata, tensors } = await readHeader(modelPath);
  const tokens = parseMetadata(metadata[WHISPER_METADATA.tokens], tokensSchema);
  return {
    directory: path.dirname(path.resolve(modelPath)),
    fileName: path.basename(modelPath),
    config: parseMetadata(metadata[WHISPER_METADATA.config], whisperConfigSchema),
    textTokens: tokens.map((token) => Buffer.from(token, "base64")),
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
  };
}

/** As `openWhisperCheckpoint`, for one who runs nothing. */
export async function readWhisperConfig(modelPath: string): Promise<WhisperConfig> {
  const { metadata } = await readHeader(modelPath);
  return parseMetadata(metadata[WHISPER_METADATA.config], whisperConfigSchema);
}

async function readHeader(modelPath: string): Promise<SafetensorsHeader> {
  try {
    await using file = await open(modelPath, "r");
    const header = await readSafetensorsHeader(file);
    if (header.metadata[WHISPER_METADATA.format] === WHISPER_FORMAT) return header;
  } catch (thrown) {
    if (thrown instanceof AiError) throw unusable("The model file is damaged.", thrown);
    throw unusable("The model file does not exist or can't be read. Pull the model first.", thrown);
  }
  throw unusable("The model file is no Whisper that was converted for this engine.");
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
