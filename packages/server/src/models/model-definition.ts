/**
 * What a caller says of a model, as it is checked and as it is stored: the definition without its secrets, which are kept
 * apart. It makes no engine and asks nobody.
 */

import { AiError, MODEL_TYPES, isRecord } from "@openai-compat/core";
import type { ModelType, StoredModel } from "@openai-compat/core";
import { z } from "zod";
import { findSchema, listKnownKeys, readMarks } from "../config-schema.ts";
import { listEngineKinds } from "../engine-kinds/index.ts";
import { listModelProblems, modelSchema, withOwnType } from "../model-config.ts";
import type { ModelConfig } from "../model-config.ts";
import { decodeBody } from "../surfaces/openai/decode-body.ts";
import type { SecretBox } from "./secret-box.ts";

/** A model as callers describe it, with its secrets. */
export type GivenModel = Readonly<Record<string, unknown>>;

export interface ModelDefinition {
  /** With its secrets. */
  readonly given: GivenModel;
  /** Whether an operator added it: then its files and addresses are not looked at. */
  readonly isTrusted: boolean;
}

/** As JSON, in bytes. */
const DEFINITION_BYTES_MAX = 65_536;
/** Settings that name what is the server's own: a caller could have the value sent to an address of theirs, or run a program. */
const REFUSED_SETTINGS: Readonly<Record<string, string>> = {
  apiKeyEnvironment: "names a variable of the server's environment; give the key itself as engine.apiKey",
  binaryPath: "names a program of the machine",
};
const RESERVED_NAME = "default";

/** @throws AiError with status 400, `param` naming what is wrong */
export function decodeModel(given: GivenModel): ModelConfig {
  const engine = given["engine"];
  if (isRecord(engine)) {
    for (const [setting, reason] of Object.entries(REFUSED_SETTINGS)) {
      if (engine[setting] === undefined || engine[setting] === null) continue;
      const message = `'engine.${setting}' can't be set while the server runs: it ${reason}.`;
      throw new AiError("unsupported_parameter", message, { param: `engine.${setting}` });
    }
  }
  const bytes = Buffer.byteLength(JSON.stringify(given));
  if (bytes > DEFINITION_BYTES_MAX) {
    const message = `The model's description has ${bytes} bytes; at most ${DEFINITION_BYTES_MAX} can be stored.`;
    throw new AiError("invalid_value", message, { param: "engine" });
  }
  const config = withOwnType(decodeBody(modelSchema, given));
  for (const param of ["id", "name"] as const) {
    if (config[param] !== RESERVED_NAME) continue;
    throw new AiError("invalid_value", `'${RESERVED_NAME}' stands for the default of a type.`, { param });
  }
  const [problem] = listModelProblems([config]);
  if (problem !== undefined)
    throw new AiError("invalid_value", `The model can't be served: ${problem}.`, { param: "engine" });
  return config;
}

const storedSchema = z.object({ given: z.record(z.string(), z.unknown()), isTrusted: z.boolean() });
const secretsSchema = z.record(z.string(), z.string());

/** What the store gets. */
export function encodeDefinition(
  id: string,
  { given, isTrusted }: ModelDefinition,
  box: SecretBox,
): Pick<StoredModel, "definition" | "secrets"> {
  const { open, secrets } = splitSecrets(given["engine"]);
  const definition = JSON.stringify({ given: { ...given, engine: open }, isTrusted });
  const isSecret = Object.keys(secrets).length > 0;
  return { definition, secrets: isSecret ? box.seal(JSON.stringify(secrets), id) : null };
}

/** @throws Error where something other than this program wrote it, or its secrets can't be opened */
export function decodeDefinition({ id, definition, secrets }: StoredModel, box: SecretBox): ModelDefinition {
  const { given, isTrusted } = storedSchema.parse(JSON.parse(definition));
  const opened = secrets === null ? {} : secretsSchema.parse(JSON.parse(box.open(secrets, id)));
  const engine = given["engine"];
  return { given: { ...given, engine: isRecord(engine) ? { ...engine, ...opened } : engine }, isTrusted };
}

/** The names of settings that hold a secret, of whichever kind. */
const SECRET_SETTINGS: ReadonlySet<string> = new Set(
  listEngineKinds().flatMap(({ settings }) =>
    listKnownKeys(settings).filter((key) => {
      const schema = findSchema(settings, [key], {});
      return schema !== null && readMarks(schema).isSecret === true;
    }),
  ),
);

function splitSecrets(engine: unknown): { readonly open: unknown; readonly secrets: Readonly<Record<string, string>> } {
  if (!isRecord(engine)) return { open: engine, secrets: {} };
  const open: Record<string, unknown> = {};
  const secrets: Record<string, string> = {};
  for (const [key, value] of Object.entries(engine)) {
    if (SECRET_SETTINGS.has(key) && typeof value === "string") secrets[key] = value;
    else open[key] = value;
  }
  return { open, secrets };
}

/** What of a model may change while it has its calls; what is left out stays. */
export interface ModelPatch {
  readonly name?: string | undefined;
  readonly prices?: object | undefined;
  /** In place of all settings of the engine. A secret that is left out stays, where the engine stays at its addresses. */
  readonly engine?: object | undefined;
}

/**
 * @throws AiError `missing_required_parameter` where a secret would go to addresses that it was not given for
 */
export function patchModel(given: GivenModel, patch: ModelPatch): GivenModel {
  const changed = {
    ...given,
    ...(patch.name !== undefined && { name: patch.name }),
    ...(patch.prices !== undefined && { prices: patch.prices }),
  };
  if (patch.engine === undefined) return changed;
  const before = given["engine"];
  const after: Record<string, unknown> = { ...patch.engine };
  for (const [key, value] of Object.entries(splitSecrets(before).secrets)) {
    if (after[key] !== undefined) continue;
    if (!isRecord(before) || JSON.stringify(after["baseUrls"]) !== JSON.stringify(before["baseUrls"])) {
      const message = `The model has an '${key}' for other addresses: send it again, or null for none.`;
      throw new AiError("missing_required_parameter", message, { param: `engine.${key}` });
    }
    after[key] = value;
  }
  return { ...changed, engine: after };
}

/** Whether both have the same engine: then a change needs no new one. */
export function haveSameEngine(left: ModelDefinition, right: ModelDefinition): boolean {
  const engineOf = ({ given, isTrusted }: ModelDefinition) =>
    JSON.stringify([given["engine"], given["type"], isTrusted]);
  return engineOf(left) === engineOf(right);
}

/** The type of a model that can't be served, as far as it can be read. */
export function guessType({ definition }: StoredModel): ModelType {
  try {
    const type = storedSchema.parse(JSON.parse(definition)).given["type"];
    return MODEL_TYPES.find((known) => known === type) ?? "chat";
  } catch {
    // Nothing can be read of it.
    return "chat";
  }
}
