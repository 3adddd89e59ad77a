/**
 * Which folder may import what: the arrows of ARCHITECTURE.md as a table, and the function that judges one import by
 * it. It reads no file.
 */

import { isBuiltin } from "node:module";
import path from "node:path";
import type { ImportSite } from "./read-imports.ts";

const FOLDERS = {
  spec: "spec",
  core: "packages/core",
  engines: "packages/engines",
  server: "packages/server",
  client: "packages/client",
  bench: "packages/bench",
  conformance: "conformance",
  scripts: "scripts",
} as const;

type Area = keyof typeof FOLDERS;

interface AreaRule {
  /** Our packages that it may import, as values or as types only. */
  readonly ours: Readonly<Partial<Record<Area, "value" | "type">>>;
  /** The only third-party packages that it may import; `"any"` leaves that to its package.json. */
  readonly thirdParty: readonly string[] | "any";
  readonly why: string;
}

const RULES: Readonly<Record<Area, AreaRule>> = {
  spec: {
    ours: {},
    thirdParty: ["zod"],
    why: "the specification stands below everything: shapes in zod and nothing else",
  },
  core: {
    ours: { spec: "type" },
    thirdParty: ["jose"],
    why: "core is the AI service without HTTP, native code or wire shapes; it knows the specification's types only",
  },
  engines: { ours: { core: "value" }, thirdParty: "any", why: "an engine knows core's interface, not its callers" },
  server: {
    ours: { core: "value", engines: "value", spec: "value" },
    thirdParty: "any",
    why: "the server wires core, engines and specification together",
  },
  client: {
    ours: { spec: "value", server: "type" },
    thirdParty: "any",
    why: "applications install the client without the server: of the server it takes types only",
  },
  bench: {
    ours: { spec: "value", core: "value", engines: "value", server: "value", client: "value", conformance: "value" },
    thirdParty: "any",
    why: "benchmarks measure everything",
  },
  conformance: {
    ours: { spec: "value" },
    thirdParty: ["openai", "openai-v5", "openai-v6", "commander", "ws", "zod", "ajv", "ajv-formats", "yaml", "sarif"],
    why: "the suite judges any server, so it shares no code with ours",
  },
  scripts: { ours: {}, thirdParty: "any", why: "repository scripts start our programs, they are no part of them" },
};

/**
 * Tests, their helpers and the contract suites they run: they may use development dependencies and a neighbour's
 * values.
 */
const TEST_FILE = /(?:\.test|\.test-d|\.fixture|-contract)\.ts$|\/testing\//;

/** The only server files that know engines exist: the rest sees core's interface. */
const SERVER_WIRING =
  /^packages\/server\/src\/(?:main\.ts|(?:default|resolve)-models\.ts|pull-with-progress\.ts|engine-kinds\/|cli\/)/;

/** Inside one package: the folder that may not import from the other one, and why. */
const FOLDERS_APART: readonly { readonly from: string; readonly to: string; readonly why: string }[] = [
  {
    from: "packages/server/src/http/",
    to: "packages/server/src/surfaces/",
    why: "http/ serves every surface, so it may not import from one: what belongs to OpenAI's protocol is in surfaces/openai/protocol/",
  },
];

const LLAMA_FOLDER = "packages/engines/src/llama/";
const AUDIO_FOLDER = "packages/engines/src/audio/";

/** Optional peers, each with the folder of the engine that may import it. */
const OPTIONAL_PACKAGES: Readonly<Record<string, string>> = {
  "node-llama-cpp": LLAMA_FOLDER,
  "mpg123-decoder": AUDIO_FOLDER,
  "opus-decoder": AUDIO_FOLDER,
  "@wasm-audio-decoders/ogg-vorbis": AUDIO_FOLDER,
  "@wasm-audio-decoders/flac": AUDIO_FOLDER,
  "audio-decode": AUDIO_FOLDER,
};

const BUILTINS_OUTSIDE_CORE = new Set(["http", "https", "http2", "net", "tls", "dgram", "sqlite"]);

const PACKAGES_WITH_A_HOME: Readonly<Record<string, string>> = {
  "@asteasolutions/zod-to-openapi": "spec/src/document.ts",
};

/** Checks get the official SDK of the run, so that no value of another major is in them. */
const SUITE_SDK_HOME = "conformance/src/official-sdk.ts";
const OFFICIAL_SDK = /^openai(?:-v\d+)?$/;

function isArea(name: string): name is Area {
  return name in FOLDERS;
}

function areaOf(file: string): Area | null {
  return (
    Object.keys(FOLDERS)
      .filter((name) => isArea(name))
      .find((area) => file.startsWith(`${FOLDERS[area]}/`)) ?? null
  );
}

function packageNameOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

function ownAreaOf(packageName: string): Area | null {
  const name = packageName.replace(/^@openai-compat\//, "");
  return isArea(name) ? name : null;
}

interface Importer {
  readonly file: string;
  readonly from: Area;
}

function judgeOurs({ file, from }: Importer, to: Area, site: ImportSite): string | null {
  // An example reads as its reader will write it.
  if (from === to) return file.includes("/examples/") ? null : "a package imports its own files by relative path";
  const allowed = RULES[from].ours[to];
  if (allowed === undefined) return `${from} may not import ${to}: ${RULES[from].why}`;
  if (allowed === "type" && site.kind !== "type" && !TEST_FILE.test(file)) {
    return `${from} may import only types from ${to} (\`import type\`): ${RULES[from].why}`;
  }
  if (from === "server" && to === "engines" && !SERVER_WIRING.test(file) && !TEST_FILE.test(file)) {
    return "inside the server only main.ts, engine-kinds/, the files that choose models and cli/ import engines: the rest sees core's interface";
  }
  return null;
}

function judgeOptional({ file }: Importer, { name, home }: { name: string; home: string }, site: ImportSite) {
  if (file.startsWith(`${FOLDERS.bench}/`)) return null;
  if (!file.startsWith(home)) return `${name} is imported only in ${home}`;
  if (site.kind === "value") {
    return `${name} is an optional peer that takes time to load: import it with \`await import\` or \`import type\``;
  }
  return null;
}

function judgeThirdParty({ file, from }: Importer, name: string, site: ImportSite): string | null {
  const optionalHome = OPTIONAL_PACKAGES[name];
  if (optionalHome !== undefined) return judgeOptional({ file, from }, { name, home: optionalHome }, site);
  if (TEST_FILE.test(file)) return null;
  const home = PACKAGES_WITH_A_HOME[name];
  if (home !== undefined) return file === home ? null : `${name} is imported only in ${home}`;
  if (from === "conformance" && OFFICIAL_SDK.test(name) && site.kind !== "type" && file !== SUITE_SDK_HOME) {
    return `${name} is imported as a value only in ${SUITE_SDK_HOME}: a check takes it from its context`;
  }
  const { thirdParty, why } = RULES[from];
  if (thirdParty === "any" || thirdParty.includes(name)) return null;
  return `${from} may import only ${thirdParty.join(", ")} of other people's packages, not ${name}: ${why}`;
}

/**
 * Judges one import.
 *
 * @param file the importing file, from the repository root, with forward slashes
 * @returns the rule broken and why it is a rule; `null` when the import is fine
 */
export function judgeImport(file: string, site: ImportSite): string | null {
  const from = areaOf(file);
  if (from === null) return "this folder has no row in scripts/import-rules.ts: say there what it may import";
  const { specifier } = site;
  if (specifier === null) return "the target of this import is computed, so no one can say what it imports";
  if (specifier.startsWith(".")) {
    const target = path.posix.join(path.posix.dirname(file), specifier);
    if (areaOf(target) !== from) return "a relative import leaves its package: import the package by name";
    return FOLDERS_APART.find((rule) => file.startsWith(rule.from) && target.startsWith(rule.to))?.why ?? null;
  }
  if (isBuiltin(specifier)) {
    const isForbidden = from === "core" && BUILTINS_OUTSIDE_CORE.has(specifier.replace(/^node:/, ""));
    return isForbidden ? `core may not import ${specifier}: ${RULES.core.why}` : null;
  }
  const name = packageNameOf(specifier);
  if (name.startsWith("@openai-compat/")) {
    const to = ownAreaOf(name);
    return to === null ? `${name} is no package of this repository` : judgeOurs({ file, from }, to, site);
  }
  return judgeThirdParty({ file, from }, name, site);
}
