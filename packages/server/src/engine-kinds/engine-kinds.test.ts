import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { MODEL_TYPES } from "@openai-compat/core";
import { expect, test } from "vitest";
import { configSchema } from "../config.ts";
import { findEngineKind, listEngineKinds } from "./index.ts";

const SOURCES = join(import.meta.dirname, "..");

test("no file outside this folder compares the kind of an engine", () => {
  const kinds = listEngineKinds().map(({ kind }) => kind);
  const compared = new RegExp(`\\bkind\\s*[=!]==\\s*["'](?:${kinds.join("|")})["']|case "(?:${kinds.join("|")})":`);
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && !/^engine-kinds[/\\]|\.test\.ts$/.test(name),
  );
  expect(files).toContain("resolve-models.ts");
  expect(files.filter((name) => compared.test(readFileSync(join(SOURCES, name), "utf8")))).toEqual([]);
});

test("every kind is in the schema of the configuration under its own name, and is found by it", () => {
  const kinds = listEngineKinds();
  expect(new Set(kinds.map(({ kind }) => kind)).size).toBe(kinds.length);
  for (const kind of kinds) {
    expect(findEngineKind({ kind: kind.kind })).toBe(kind);
    const { error } = configSchema.safeParse({ models: [{ id: "a", engine: { kind: kind.kind, unknown: 1 } }] });
    expect(error?.issues.map(({ code, path }) => [code, path.join(".")])).toContainEqual([
      "unrecognized_keys",
      "models.0.engine",
    ]);
  }
});

test("every type of model is served by a kind", () => {
  expect(new Set(listEngineKinds().flatMap(({ types }) => types))).toEqual(new Set(MODEL_TYPES));
});

test.each([
  [
    { type: "speech", engine: { kind: "llama", model: "a.gguf" } },
    /^only .*the scripted engine.* can serve this type$/,
  ],
  [
    { engine: { kind: "llama", model: "a.gguf", truncatableVectors: true } },
    "truncatableVectors is for a model of the type embedding",
  ],
  [
    { type: "embedding", engine: { kind: "llama", model: "a.gguf", sampling: {} } },
    "sampling is for a model of the type chat",
  ],
])("the model %j is refused, because %s", (model, message) => {
  const { error } = configSchema.safeParse({ models: [{ id: "a", ...model }] });
  expect(error?.issues.map((issue) => issue.message)).toEqual([expect.stringMatching(message)]);
});
