/** Whether the models of this machine can be served: their files, and the library that runs them. It pulls nothing. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { examineGguf, findCachedModel, listCatalogue, probeLlama } from "@openai-compat/engines";
import type { Config } from "../config.ts";
import { listDefaultModels } from "../resolve-models.ts";
import type { ModelConfig } from "../model-config.ts";
import type { Finding } from "./doctor-finding.ts";
import { describeCommand, describeLibraryInstall } from "./invocation.ts";

export async function examineModels(config: Config): Promise<readonly Finding[]> {
  if (config.models.length === 0) return [await examineBestModel(config)];
  const local = config.models.filter(({ engine }) => engine.kind === "llama");
  const findings = await Promise.all(local.map(examineLlamaModel));
  return local.length === 0 ? findings : [...findings, await examineLibrary("fail")];
}

async function examineBestModel(config: Config): Promise<Finding> {
  const about = "models";
  if (config.engines === "scripted") {
    return { about, status: "warn", message: "the scripted engine serves, as asked: no AI model stands behind it" };
  }
  const library = await examineLibrary("warn");
  if (library.status !== "ok") return { ...library, about };
  const wanted: string[] = [];
  for (const type of ["chat", "embedding"] as const) {
    const { fitting, reasons } = await listDefaultModels(type, config);
    const [first] = fitting;
    if (first === undefined) return { about, status: "warn", message: reasons.join(" ") };
    wanted.push(first.id);
  }
  for (const id of wanted) {
    if ((await findCachedModel(id)) !== null) continue;
    const message = `${id} is not in the cache; the first start downloads it: ${describeCommand(`models pull ${id}`)}`;
    return { about, status: "warn", message };
  }
  return { about, status: "ok", message: `${wanted.join(", ")} are in the cache` };
}

async function examineLibrary(whenMissing: "warn" | "fail"): Promise<Finding> {
  const about = "llama library";
  const probed = await probeLlama();
  if (probed.available) return { about, status: "ok", message: "it runs on this machine" };
  const advice = probed.isMissing === true ? ` Install it with: ${describeLibraryInstall()}` : "";
  return { about, status: whenMissing, message: `${probed.reason}${advice}` };
}

async function examineLlamaModel({ id, type, engine }: ModelConfig): Promise<Finding> {
  const about = `model ${id}`;
  if (engine.kind !== "llama") return { about, status: "ok", message: "it needs no file" };
  const { model } = engine;
  if (listCatalogue().some((entry) => entry.id === model)) {
    const cached = await findCachedModel(model);
    if (cached !== null) return { about, status: "ok", message: `${model} is in the cache` };
    return {
      about,
      status: "warn",
      message: `the first start downloads it: ${describeCommand(`models pull ${model}`)}`,
    };
  }
  if (!existsSync(model))
    return { about, status: "fail", message: `${resolve(model)} is neither a file nor in the catalogue` };
  const { problem } = await examineGguf(model, type === "embedding" ? "embedding" : "chat");
  if (problem !== null) return { about, status: "fail", message: `${model} ${problem}` };
  return { about, status: "ok", message: `${model} is there` };
}
