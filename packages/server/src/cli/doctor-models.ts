/** Whether the configured models, or the default ones, can be served. It downloads nothing. */

import { findCachedModel } from "@openai-compat/engines";
import type { Config } from "../config.ts";
import { DEFAULT_TYPES, listDefaultModels } from "../default-models.ts";
import { CATALOGUE_KIND, findEngineKind } from "../engine-kinds/index.ts";
import type { EngineKind, Environment, Requirement } from "../engine-kinds/engine-kind.ts";
import { withOwnType } from "../model-config.ts";
import type { Finding, TimedFinding } from "./doctor-finding.ts";
import { describeCommand } from "./invocation.ts";

export async function examineModels(config: Config, environment: Environment): Promise<readonly TimedFinding[]> {
  if (config.models.length === 0) return [await examineDefaultModels(config)];
  const models = config.models.map(withOwnType);
  const examined = models.map(async (model) => findEngineKind(model.engine).examine?.(model, environment) ?? []);
  const kinds = new Set<EngineKind>(models.map(({ engine }) => findEngineKind(engine)));
  const required = [...kinds].flatMap(({ requirement }) => (requirement === undefined ? [] : [requirement]));
  return [...(await Promise.all(examined)).flat(), ...(await Promise.all(required.map(examineRequirement)))];
}

async function examineRequirement(requirement: Requirement): Promise<Finding> {
  const { about } = requirement;
  const problem = await requirement.findProblem();
  if (problem === null) return { about, status: "ok", message: "it runs on this machine" };
  return { about, status: "fail", message: problem };
}

async function examineDefaultModels(config: Config): Promise<Finding> {
  const about = "models";
  if (config.engines === "scripted") {
    return { about, status: "warn", message: "the scripted engine serves, as asked: no AI model stands behind it" };
  }
  const problem = await CATALOGUE_KIND.requirement.findProblem();
  if (problem !== null) return { about, status: "warn", message: problem };
  const modelIds: string[] = [];
  for (const type of DEFAULT_TYPES) {
    const { fitting, reasons } = await listDefaultModels(type, config);
    const [first] = fitting;
    if (first === undefined) return { about, status: "warn", message: reasons.join(" ") };
    modelIds.push(first.id);
  }
  for (const id of modelIds) {
    if ((await findCachedModel(id)) !== null) continue;
    const message = `${id} is not in the cache; the first start downloads it: ${describeCommand(`models pull ${id}`)}`;
    return { about, status: "warn", message };
  }
  return { about, status: "ok", message: `${modelIds.join(", ")} are in the cache` };
}
