/** Checks whether the local models fit into the memory that they may take, alone and together. It loads none. */

import { AiError } from "@openai-compat/core";
import { MODEL_PROCESS_BYTES } from "@openai-compat/engines";
import type { Config } from "../config.ts";
import { AUDIO_TYPES, DEFAULT_TYPES, listDefaultModels, nameDefaultModel } from "../default-models.ts";
import { findEngineKind } from "../engine-kinds/index.ts";
import { resolveMemoryLimit } from "../memory-limit.ts";
import { withOwnType } from "../model-config.ts";
import type { ModelConfig } from "../model-config.ts";
import type { Finding } from "./doctor-finding.ts";

/** Models whose file is not there yet are left out: what they need is not known. */
export async function examineMemory(config: Config): Promise<readonly Finding[]> {
  const limit = resolveMemoryLimit(config);
  if (limit === null || (config.models.length === 0 && config.engines === "scripted")) return [];
  const findings: Finding[] = [];
  let sum = 0;
  let count = 0;
  for (const model of await listModels(config)) {
    const { id } = model;
    const estimated = await findEngineKind(model.engine)
      .estimateBytes?.(model)
      .catch((thrown: unknown) => {
        if (!(thrown instanceof AiError)) throw thrown;
        findings.push({ about: `model ${id}`, status: "fail", message: thrown.message });
        return null;
      });
    if (estimated === null || estimated === undefined) continue;
    const bytes = estimated + MODEL_PROCESS_BYTES;
    sum += bytes;
    count += 1;
    if (bytes > limit) findings.push(tooLarge(id, bytes, limit));
  }
  return count === 0 ? findings : [...findings, evaluateSum({ bytes: sum, count }, limit)];
}

async function listModels(config: Config): Promise<readonly ModelConfig[]> {
  if (config.models.length > 0) return config.models.map(withOwnType);
  const choices = await Promise.all([...DEFAULT_TYPES, ...AUDIO_TYPES].map((type) => listDefaultModels(type, config)));
  return choices.flatMap(({ fitting }) => fitting.slice(0, 1).map(nameDefaultModel));
}

function tooLarge(id: string, bytes: number, limit: number): Finding {
  const message =
    `it needs about ${inMebibytes(bytes)} of memory, and all models together may take ${inMebibytes(limit)}, so it ` +
    "would never be loaded: raise memory.modelBytesMax, or lower its contextTokens, concurrency or threads";
  return { about: `model ${id}`, status: "fail", message };
}

function evaluateSum(sum: { readonly bytes: number; readonly count: number }, limit: number): Finding {
  const needs =
    `the models here need about ${inMebibytes(sum.bytes)}, ${inMebibytes(sum.count * MODEL_PROCESS_BYTES)} of it for ` +
    `their processes, and may take ${inMebibytes(limit)}`;
  if (sum.bytes <= limit) return { about: "memory", status: "ok", message: needs };
  return { about: "memory", status: "warn", message: `${needs}: they take turns, and each turn is a load` };
}

function inMebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
