/** Whether the models of this machine fit into the memory that they may take, alone and together. It loads none. */

import { existsSync } from "node:fs";
import { AiError } from "@openai-compat/core";
import { estimateLocalBytes, findCachedModel, listCatalogue } from "@openai-compat/engines";
import type { LocalModel } from "@openai-compat/engines";
import type { Config } from "../config.ts";
import { resolveMemoryLimit } from "../memory-limit.ts";
import { listDefaultModels, mapCatalogueEntry, mapLocalModel, withOwnType } from "../resolve-models.ts";
import type { Finding } from "./doctor-finding.ts";

/** Models whose file is not there yet are left out: nobody knows what they need. */
export async function examineMemory(config: Config): Promise<readonly Finding[]> {
  const limit = resolveMemoryLimit(config);
  if (limit === null || (config.models.length === 0 && config.engines === "scripted")) return [];
  const findings: Finding[] = [];
  let sum = 0;
  let count = 0;
  for (const { id, local } of await listLocalModels(config)) {
    const bytes = await estimateLocalBytes(local).catch((thrown: unknown) => {
      if (!(thrown instanceof AiError)) throw thrown;
      findings.push({ about: `model ${id}`, status: "fail", message: thrown.message });
      return null;
    });
    if (bytes === null) continue;
    sum += bytes;
    count += 1;
    if (bytes > limit) findings.push(tooLarge(id, bytes, limit));
  }
  return count === 0 ? findings : [...findings, judgeSum(sum, limit)];
}

function tooLarge(id: string, bytes: number, limit: number): Finding {
  const message =
    `it needs about ${inMebibytes(bytes)} of memory, and all models together may take ${inMebibytes(limit)}, so it ` +
    "would never be loaded: raise memory.modelBytesMax, or lower its contextTokens, concurrency or threads";
  return { about: `model ${id}`, status: "fail", message };
}

function judgeSum(sum: number, limit: number): Finding {
  const needs = `the models here need about ${inMebibytes(sum)} and may take ${inMebibytes(limit)}`;
  if (sum <= limit) return { about: "memory", status: "ok", message: needs };
  return { about: "memory", status: "warn", message: `${needs}: they take turns, and each turn is a load` };
}

interface PresentModel {
  readonly id: string;
  readonly local: LocalModel;
}

async function listLocalModels(config: Config): Promise<readonly PresentModel[]> {
  const found: PresentModel[] = [];
  if (config.models.length === 0) {
    for (const type of ["chat", "embedding"] as const) {
      const [entry] = (await listDefaultModels(type, config)).fitting;
      const cached = entry === undefined ? null : await findCachedModel(entry.id);
      if (entry !== undefined && cached !== null)
        found.push({ id: entry.id, local: mapCatalogueEntry(entry, cached.path) });
    }
  }
  for (const { id, type, engine } of config.models.map(withOwnType)) {
    if (engine.kind !== "llama") continue;
    const path = await findModelFile(engine.model);
    if (path !== null) found.push({ id, local: mapLocalModel(type, engine, path) });
  }
  return found;
}

async function findModelFile(model: string): Promise<string | null> {
  if (listCatalogue().some(({ id }) => id === model)) return (await findCachedModel(model))?.path ?? null;
  return existsSync(model) ? model : null;
}

function inMebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
