/** Whether the configured models, or the default ones, can be served. It downloads nothing. */

import { findCachedModel, tryNativeLibrary } from "@openai-compat/engines";
import type { Config } from "../config.ts";
import { AUDIO_TYPES, DEFAULT_TYPES, listDefaultModels, nameDefaultModel } from "../default-models.ts";
import { CATALOGUE_KIND, findEngineKind } from "../engine-kinds/index.ts";
import type { EngineKind, Environment, Requirement } from "../engine-kinds/engine-kind.ts";
import { describeReason } from "../describe-thrown.ts";
import { listWrongAliases } from "../model-aliases.ts";
import { withOwnType } from "../model-config.ts";
import type { Finding, TimedFinding } from "./doctor-finding.ts";
import { describeCommand } from "./invocation.ts";

export async function examineModels(config: Config, environment: Environment): Promise<readonly TimedFinding[]> {
  if (config.models.length === 0) return examineDefaultModels(config);
  const models = config.models.map(withOwnType);
  const examined = models.map(async (model) => findEngineKind(model.engine).examine?.(model, environment) ?? []);
  const kinds = new Set<EngineKind>(models.map(({ engine }) => findEngineKind(engine)));
  const required = [...kinds].flatMap(({ requirement }) => (requirement === undefined ? [] : [requirement]));
  const ofRequirements = required.map((requirement) => examineRequirement(requirement, config));
  const wrong = listWrongAliases(config.aliases, models);
  const ofAliases = wrong.map((message): Finding => ({ about: "aliases", status: "fail", message }));
  const processes = required.some(({ library }) => library !== undefined) ? [describeLimits(config)] : [];
  const ofModels = (await Promise.all(examined)).flat();
  return [...ofModels, ...ofAliases, ...(await Promise.all(ofRequirements)), ...processes];
}

async function examineRequirement(requirement: Requirement, config: Config): Promise<Finding> {
  const { about, library } = requirement;
  const problem = await requirement.findProblem();
  if (problem !== null) return { about, status: "fail", message: problem };
  if (library === undefined) return { about, status: "ok", message: "it runs on this machine" };
  try {
    const { durationMs, rssBytes } = await tryNativeLibrary(library, config.processes);
    const [seconds, megabytes] = [(durationMs / 1000).toFixed(1), Math.ceil(rssBytes / 1_000_000)];
    return { about, status: "ok", message: `a process of its own loads it in ${seconds} s and takes ${megabytes} MB` };
  } catch (thrown) {
    return { about, status: "fail", message: `no process of its own can load it: ${describeReason(thrown)}` };
  }
}

function describeLimits({ processes }: Config): Finding {
  const { loadTimeMsMax, answerTimeMsMax, abortTimeMsMax, exitTimeMsMax, logLinesPerMinute } = processes;
  const message =
    `the process of a model is killed after ${loadTimeMsMax} ms of loading, ${answerTimeMsMax} ms without a sign of life, ` +
    `${abortTimeMsMax} ms with an aborted call or ${exitTimeMsMax} ms of exiting, and ${logLinesPerMinute} lines of its ` +
    "library are logged in a minute";
  return { about: "processes", status: "ok", message };
}

async function examineDefaultModels(config: Config): Promise<readonly Finding[]> {
  const about = "models";
  if (config.engines === "scripted") {
    const message = "the scripted engine serves, as asked: no AI model stands behind it";
    return [{ about, status: "warn", message }];
  }
  const problem = await CATALOGUE_KIND.requirement.findProblem();
  if (problem !== null) return [{ about, status: "warn", message: problem }];
  const library = await examineRequirement(CATALOGUE_KIND.requirement, config);
  const ofAudio = await Promise.all(AUDIO_TYPES.map((type) => examineAudio(type, config)));
  return [await examineCatalogue(config), ...ofAudio, library, describeLimits(config)];
}

async function examineCatalogue(config: Config): Promise<Finding> {
  const about = "models";
  const modelIds: string[] = [];
  for (const type of DEFAULT_TYPES) {
    const { fitting, reasons } = await listDefaultModels(type, config);
    const [first] = fitting;
    if (first === undefined) return { about, status: "warn", message: reasons.join(" ") };
    modelIds.push(first.id);
  }
  for (const id of modelIds) {
    if ((await findCachedModel(id)) !== null) continue;
    return { about, status: "warn", message: describeDownload(id) };
  }
  return { about, status: "ok", message: `${modelIds.join(", ")} are in the cache` };
}

/** A server does without these where they can't be had. */
async function examineAudio(type: (typeof AUDIO_TYPES)[number], config: Config): Promise<Finding> {
  const about = `${type} model`;
  const { fitting, reasons } = await listDefaultModels(type, config);
  const [first] = fitting;
  if (first === undefined) return { about, status: "warn", message: `none is served: ${reasons.join(" ")}` };
  const { requirement }: EngineKind = findEngineKind(nameDefaultModel(first).engine);
  const problem = requirement === undefined ? null : await requirement.findProblem();
  if (problem !== null) return { about, status: "warn", message: `none is served: ${problem}` };
  if ((await findCachedModel(first.id)) !== null)
    return { about, status: "ok", message: `${first.id} is in the cache` };
  return { about, status: "warn", message: describeDownload(first.id) };
}

function describeDownload(id: string): string {
  return `${id} is not in the cache; the first start downloads it: ${describeCommand(`models pull ${id}`)}`;
}
