import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { judgeImport } from "./import-rules.ts";
import { readImports } from "./read-imports.ts";

function judge(file: string, source: string): readonly (string | null)[] {
  return readImports(file, source).map((site) => judgeImport(file, site));
}

test.each([
  ["spec/src/a.ts", `import { z } from "zod";`],
  ["spec/src/document.ts", `import { OpenAPIRegistry } from "@asteasolutions/zod-to-openapi";`],
  ["packages/core/src/a.ts", `import type { Operation } from "@openai-compat/spec";`],
  ["packages/core/src/a.ts", `export type { Operation } from "@openai-compat/spec";`],
  ["packages/core/src/a.ts", `let operation: import("@openai-compat/spec").Operation;`],
  ["packages/core/src/a.ts", `import { SignJWT } from "jose";`],
  ["packages/core/src/a.ts", `import { createHash } from "node:crypto";`],
  ["packages/core/src/auth/a.ts", `import { AiError } from "../ai-error.ts";`],
  ["packages/core/src/a.test.ts", `import fastCheck from "fast-check";`],
  ["packages/core/src/a.test.ts", `import { OPERATIONS } from "@openai-compat/spec";`],
  ["packages/core/src/store/store-contract.ts", `import { test } from "vitest";`],
  ["packages/engines/src/a.ts", `import { AiError } from "@openai-compat/core";`],
  ["packages/engines/src/a.test.ts", `import { contract } from "@openai-compat/core/engine-contract";`],
  ["packages/engines/src/llama/a.ts", `const llama = await import("node-llama-cpp");`],
  ["packages/engines/src/llama/a.ts", `import type { Llama } from "node-llama-cpp";`],
  ["packages/engines/src/audio/a.ts", `const { MPEGDecoder } = await import("mpg123-decoder");`],
  ["packages/server/src/http/a.ts", `import { OPERATIONS } from "@openai-compat/spec";`],
  ["packages/server/src/main.ts", `import { createScriptedEngine } from "@openai-compat/engines";`],
  ["packages/server/src/http/a.test.ts", `import { createScriptedEngine } from "@openai-compat/engines";`],
  ["packages/server/src/surfaces/openai/a.ts", `import { encodeSseEvent } from "../../http/sse.ts";`],
  ["packages/client/src/a.ts", `import type { Router } from "@openai-compat/server";`],
  ["packages/bench/src/a.ts", `import { getLlama } from "node-llama-cpp";`],
  ["packages/bench/src/a.ts", `import { createServer } from "@openai-compat/server";`],
  ["conformance/src/a.ts", `import type OpenAI from "openai"; import type { Model } from "openai/resources";`],
  ["conformance/src/official-sdk.ts", `import OpenAI from "openai"; await import("openai-v5/realtime/ws");`],
  ["conformance/src/a.test.ts", `import OpenAI from "openai";`],
  ["conformance/checks/a.ts", `import { defineCheck } from "../src/check.ts";`],
  ["scripts/a.ts", `import { build } from "esbuild";`],
])("%s may write %s", (file, source) => {
  const verdicts = judge(file, source);
  expect(verdicts.length).toBeGreaterThan(0);
  expect(verdicts.filter((verdict) => verdict !== null)).toEqual([]);
});

test.each([
  ["spec/src/a.ts", `import { AiError } from "@openai-compat/core";`, "spec may not import core"],
  ["spec/src/a.ts", `import type OpenAI from "openai";`, "spec may import only zod"],
  ["spec/src/a.ts", `import { a } from "@asteasolutions/zod-to-openapi";`, "only in spec/src/document.ts"],
  ["conformance/checks/a.ts", `import OpenAI from "openai";`, "a check takes it from its context"],
  ["conformance/checks/a.ts", `await import("openai-v6/helpers/zod");`, "a check takes it from its context"],
  ["packages/core/src/a.ts", `import { OPERATIONS } from "@openai-compat/spec";`, "only types"],
  ["packages/core/src/a.ts", `import { type Operation } from "@openai-compat/spec";`, "only types"],
  ["packages/core/src/a.ts", `export { OPERATIONS } from "@openai-compat/spec";`, "only types"],
  ["packages/core/src/a.ts", `export * from "@openai-compat/spec";`, "only types"],
  ["packages/core/src/a.ts", `await import("@openai-compat/spec");`, "only types"],
  ["packages/core/src/a.ts", `import { Hono } from "hono";`, "core may import only jose"],
  ["packages/core/src/a.ts", `import { createServer } from "node:http";`, "core may not import node:http"],
  ["packages/core/src/a.ts", `import { createServer } from "https";`, "core may not import https"],
  ["packages/core/src/a.ts", `import { AiError } from "@openai-compat/core";`, "by relative path"],
  ["packages/engines/src/a.ts", `import { a } from "@openai-compat/server";`, "engines may not import server"],
  ["packages/engines/src/a.ts", `import { a } from "../../core/src/ai-error.ts";`, "leaves its package"],
  ["packages/engines/src/a.ts", `export * from "../../../spec/src/index.ts";`, "leaves its package"],
  ["packages/engines/src/a.ts", `type A = import("../../core/src/ai-error.ts").AiError;`, "leaves its package"],
  ["packages/engines/src/llama/a.ts", `import { getLlama } from "node-llama-cpp";`, "await import"],
  ["packages/engines/src/whisper/a.ts", `await import("node-llama-cpp");`, "only in packages/engines/src/llama"],
  ["packages/engines/src/whisper/a.ts", `await import("audio-decode");`, "only in packages/engines/src/audio"],
  ["packages/engines/src/audio/a.ts", `import decode from "audio-decode";`, "await import"],
  [
    "packages/server/src/a.test.ts",
    `import type { Llama } from "node-llama-cpp";`,
    "only in packages/engines/src/llama",
  ],
  ["packages/server/src/http/a.ts", `import { a } from "@openai-compat/engines";`, "only main.ts"],
  ["packages/server/src/http/a.ts", `import { a } from "../surfaces/openai/a.ts";`, "http/ serves every surface"],
  ["packages/server/src/http/a.test.ts", `import type { A } from "../surfaces/openai/a.ts";`, "http/ serves every"],
  ["packages/server/src/a.ts", `import { a } from "@openai-compat/bench";`, "server may not import bench"],
  ["packages/client/src/a.ts", `import { router } from "@openai-compat/server";`, "only types"],
  ["conformance/src/a.ts", `import { a } from "@openai-compat/core";`, "conformance may not import core"],
  ["conformance/src/a.ts", `import type { a } from "@openai-compat/server";`, "conformance may not import server"],
  ["conformance/src/a.test.ts", `await import("@openai-compat/engines/scripted");`, "may not import engines"],
  ["conformance/src/a.ts", `import { a } from "../../packages/core/src/index.ts";`, "leaves its package"],
  ["conformance/src/a.ts", `import { Hono } from "hono";`, "conformance may import only openai"],
  ["conformance/src/a.ts", `const name = "x"; await import(name);`, "computed"],
  ["scripts/a.ts", `import { a } from "@openai-compat/server";`, "scripts may not import server"],
  ["packages/server/src/a.ts", `import { a } from "@openai-compat/nothing";`, "no package of this repository"],
  ["packages/novel/src/a.ts", `import { a } from "zod";`, "no row"],
])("%s may not write %s", (file, source, problem) => {
  expect(judge(file, source)).toEqual([expect.stringContaining(problem)]);
});

test("words that only look like imports are not imports", () => {
  const source = `// import "@openai-compat/server"\nconst text = 'import("@openai-compat/server")';\nexport { text };`;
  expect(readImports("packages/core/src/a.ts", source)).toEqual([]);
});

test("a forbidden import fails the check and is reported with its file, its line and the rule", () => {
  const root = mkdtempSync(path.join(tmpdir(), "check-imports-"));
  try {
    mkdirSync(path.join(root, "spec/src"), { recursive: true });
    writeFileSync(path.join(root, "spec/src/a.ts"), `import { z } from "zod";\n\nexport * from "hono";\n`);
    const run = spawnSync(process.execPath, [path.join(import.meta.dirname, "check-imports.ts"), root], {
      encoding: "utf8",
    });
    expect(run.stderr).toContain("spec/src/a.ts:3 imports hono");
    expect(run.stdout).toContain("1 forbidden of 2 imports in 1 files");
    expect(run.status).toBe(1);
  } finally {
    rmSync(root, { recursive: true });
  }
});
