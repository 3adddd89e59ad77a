import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ConfigError } from "./config-error.ts";
import { listEngineKinds } from "./engine-kinds/index.ts";
import { listSettings, listUnknownVariables, loadConfig } from "./load-config.ts";
import type { ConfigSources } from "./load-config.ts";

const directory = mkdtempSync(join(tmpdir(), "openai-compat-config-"));
afterAll(() => rmSync(directory, { recursive: true }));
const file = (content: string) => {
  const path = join(directory, `${crypto.randomUUID()}.json`);
  writeFileSync(path, content);
  return path;
};
const load = (sources: Partial<ConfigSources> = {}) =>
  loadConfig({ file: null, environment: {}, flags: {}, ...sources });

test("with nothing said, the server is local and every limit has a value", () => {
  const config = load();
  expect(config).toMatchObject({ host: "127.0.0.1", port: 8080, store: "sqlite", engines: "auto" });
  const { accountSlotsMax, ...queue } = config.queue;
  expect(accountSlotsMax).toBeNull();
  for (const limit of Object.values({ ...config.limits, ...queue })) expect(limit).toBeGreaterThan(0);
});

test("flags win over the environment, which wins over the file, which wins over the defaults", () => {
  const path = file(`{ "port": 1, "host": "file", "logLevel": "warn" }`);
  const environment = { OPENAI_COMPAT_PORT: "2", OPENAI_COMPAT_HOST: "environment" };
  expect(load({ file: path, environment, flags: { port: 3 } })).toMatchObject({
    port: 3,
    host: "environment",
    logLevel: "warn",
    store: "sqlite",
  });
});

test("a nested setting of one source leaves its neighbours from another alone", () => {
  const path = file(`{ "limits": { "bodyBytesMax": 10, "bodyTimeoutMs": 20 } }`);
  const { limits } = load({ file: path, environment: { OPENAI_COMPAT_LIMITS_BODY_BYTES_MAX: "11" } });
  expect(limits).toMatchObject({ bodyBytesMax: 11, bodyTimeoutMs: 20, headersTimeoutMs: 20_000 });
});

test("each setting but a table of objects has an environment variable of its own, and all are described", () => {
  const settings = listSettings();
  const names = settings.map((setting) => setting.environmentName).filter((name) => name !== null);
  expect(names).toContain("OPENAI_COMPAT_AUTH_JWT_SECRET");
  expect(names).toContain("OPENAI_COMPAT_LIMITS_SHUTDOWN_TIMEOUT_MS");
  expect(settings.filter(({ environmentName }) => environmentName === null)).toMatchObject([
    { path: ["rateLimits", "accounts"] },
    { path: ["aliases"] },
  ]);
  expect(new Set(names).size).toBe(names.length);
  for (const { description } of settings) expect(description).not.toBe("");
});

test("origins in the environment are separated by commas", () => {
  const environment = { OPENAI_COMPAT_ALLOWED_ORIGINS: "https://a.example, https://b.example" };
  expect(load({ environment }).allowedOrigins).toEqual(["https://a.example", "https://b.example"]);
});

test("models in the environment are ids and paths, separated by commas", () => {
  const environment = { OPENAI_COMPAT_MODELS: "all-minilm-l6-v2, ./models/Own.Q4_K_M.gguf" };
  expect(load({ environment }).models).toMatchObject([
    { id: "all-minilm-l6-v2", engine: { kind: "llama", model: "all-minilm-l6-v2" } },
    { id: "Own.Q4_K_M", type: "chat", engine: { kind: "llama", model: "./models/Own.Q4_K_M.gguf" } },
  ]);
});

test("defaults of a command give way to the file and the environment", () => {
  const defaults = { engines: "small" } as const;
  expect(load({ defaults }).engines).toBe("small");
  expect(load({ defaults, file: file(`{ "engines": "auto" }`) }).engines).toBe("auto");
  expect(load({ defaults, environment: { OPENAI_COMPAT_ENGINES: "scripted" } }).engines).toBe("scripted");
});

const SCRIPTED_MODEL = `{ "id": "m", "engine": { "kind": "scripted" }, "default": true }`;

test.each([
  [`{ "prot": 1 }`, /prot/],
  [`{ "limits": { "bodyBytesMax": -1 } }`, /limits\.bodyBytesMax/],
  [`{ "models": [{ "id": "m", "engine": { "kind": "magic" } }] }`, /models\.0\.engine/],
  [`{ "auth": { "jwtSecret": "short" } }`, /auth\.jwtSecret/],
  [`{ "auth": { "jwksUrl": "http://issuer.example/keys" } }`, /auth\.jwksUrl.*https/],
  [`{ "auth": { "jwksUrl": "https://issuer.example/keys" } }`, /auth\.jwksUrl.*jwtIssuer and jwtAudience/],
  [`{ "models": [${SCRIPTED_MODEL}, ${SCRIPTED_MODEL}] }`, /models.*same id/],
  [`{ "models": [${SCRIPTED_MODEL}, ${SCRIPTED_MODEL.replace('"m"', '"n"')}] }`, /models.*default/],
  [`[]`, /JSON object/],
  [`{`, /not valid JSON/],
])("the file %s is refused with a message that names the place", (content, message) => {
  expect(() => load({ file: file(content) })).toThrow(message);
  expect(() => load({ file: file(content) })).toThrow(ConfigError);
});

test.each([
  ['{ "auth": { "jwtSecret": sesame } }', "Unexpected token 's'"],
  ['{ "auth": { "jwtSecret": "x" sesame } }', "line 1"],
  ["sesame", "Unexpected token 's'"],
])("what stands beside the mistake in %s is not quoted, because it may be a secret", (content, message) => {
  expect(() => load({ file: file(content) })).toThrow(message);
  expect(() => load({ file: file(content) })).not.toThrow("sesame");
});

test("a file that is not there is an error, not an empty configuration", () => {
  expect(() => load({ file: join(directory, "missing.json") })).toThrow(/can't be read/);
});

const wrong = (content: string, environment: Readonly<Record<string, string>> = {}): string => {
  try {
    load({ file: file(content), environment });
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.message.replace(/^.* is wrong:\n/, "");
    throw thrown;
  }
  throw new Error("It was accepted.");
};

const KINDS = listEngineKinds()
  .map(({ kind }) => kind)
  .join(", ");
const llama = (engine: string): string => `{ "models": [{ "id": "m", "engine": { "kind": "llama", ${engine} } }] }`;

test.each([
  [`{ "prot": 8080 }`, `  Unknown setting "prot". Did you mean "port"?`],
  [`{ "limits": { "bodyByteMax": 1 } }`, `  Unknown setting "limits.bodyByteMax". Did you mean "bodyBytesMax"?`],
  [llama(`"modell": "x"`), `  Unknown setting "models.0.engine.modell". Did you mean "model"?`],
  [
    `{ "models": [{ "id": "m", "engine": { "kind": "upstream", "baseUrl": "http://h/v1" } }] }`,
    `  Unknown setting "models.0.engine.baseUrl". Did you mean "baseUrls"?`,
  ],
  [
    `{ "models": [{ "id": "m", "engine": { "kind": "llamma" } }] }`,
    `  "models.0.engine.kind" has to be one of ${KINDS}, not "llamma". Did you mean "llama"?`,
  ],
  [
    `{ "prices": { "chat": {} } }`,
    `  Unknown setting "prices.chat". Known here: ai_prompt, ai_embedding, ai_transcription, ai_tts.`,
  ],
  [
    `{ "prices": { "ai_prompt": { "perMillionInputTokens": 0.15 } } }`,
    `  "prices.ai_prompt.perMillionInputTokens" has to be whole micro-credits (millionths of a credit): write 150000 for 0.15 credits.`,
  ],
  [`{ "port": 70000 }`, `  "port" has to be at most 65535, not 70000.`],
  [`{ "port": "8080" }`, `  "port" has to be a whole number, not "8080".`],
  [
    `{ "logLevel": "wran" }`,
    `  "logLevel" has to be one of debug, info, warn, error, silent, not "wran". Did you mean "warn"?`,
  ],
  [`{ "limits": [] }`, `  "limits" has to be an object, not a list.`],
  [`{ "auth": { "jwtSecret": "hunter2" } }`, `  "auth.jwtSecret" has to be at least 32 characters long.`],
])("the mistake in %s is said in one line of plain words", (content, message) => {
  expect(wrong(content)).toBe(message);
});

test("what is missing is said with what it is for", () => {
  expect(wrong(llama(`"threads": 1`))).toMatch(/^ {2}"models\.0\.engine\.model" is missing: .*GGUF file/);
});

test("no message holds a word of the schema library", () => {
  const mistakes = [`{ "port": null }`, `{ "port": 1.5 }`, `{ "host": "" }`, `{ "models": {} }`, `{ "models": [1] }`];
  const more = [
    `{ "operations": { "otlpEndpoint": "x" } }`,
    `{ "allowedOrigins": "x" }`,
    llama(`"model": "x", "gpu": "yes"`),
  ];
  for (const content of [...mistakes, ...more]) {
    const message = wrong(content);
    expect(message).not.toMatch(/Invalid|expected|received|Unrecognized|undefined|Too (?:big|small)/i);
    expect(message.split("\n")).toHaveLength(1);
  }
});

test("a value from the environment is blamed on its variable, and one that a flag replaced is not", () => {
  const environment = { OPENAI_COMPAT_PORT: "abc" };
  expect(() => load({ environment })).toThrow(`OPENAI_COMPAT_PORT has to be a whole number, not "abc".`);
  expect(load({ environment, flags: { port: 1 } }).port).toBe(1);
  const secret = { OPENAI_COMPAT_AUTH_JWT_SECRET: "hunter2" };
  expect(() => load({ environment: secret })).toThrow("OPENAI_COMPAT_AUTH_JWT_SECRET has to be at least 32");
  expect(() => load({ environment: secret })).not.toThrow("hunter2");
});

test("variables that look like settings and are none are found", () => {
  const environment = {
    OPENAI_COMPAT_PROT: "1",
    OPENAI_COMPAT_PORT: "1",
    OPENAI_COMPAT_CACHE: "/c",
    OPENAI_COMPAT_RATE_LIMITS_ACCOUNTS: "{}",
    OPENAI_COMPAT_TEST_POSTGRES_URL: "x",
    OPENAI_API_KEY: "x",
  };
  expect(listUnknownVariables(environment)).toEqual([
    "OPENAI_COMPAT_PROT is not a setting and does nothing. Did you mean OPENAI_COMPAT_PORT?",
    "OPENAI_COMPAT_RATE_LIMITS_ACCOUNTS is not read: set rateLimits.accounts in the configuration file.",
  ]);
});

test("a relative path in a file starts at its folder, and ~ is the home directory everywhere", () => {
  const path = file(
    `{ "dataDirectory": "data", "logFile": "~/server.log", "models": ["./a.gguf", "b.gguf", "smollm2-135m-instruct",
      { "id": "c", "engine": { "kind": "llama", "model": "../c.gguf" } }] }`,
  );
  const config = load({ file: path, environment: { OPENAI_COMPAT_DATA_DIRECTORY: "" } });
  expect(config).toMatchObject({ dataDirectory: join(directory, "data"), logFile: join(homedir(), "server.log") });
  expect(config.models.map(({ engine }) => engine.kind === "llama" && engine.model)).toEqual([
    join(directory, "a.gguf"),
    join(directory, "b.gguf"),
    "smollm2-135m-instruct",
    join(directory, "..", "c.gguf"),
  ]);
  expect(load({ flags: { dataDirectory: "~/data" } }).dataDirectory).toBe(join(homedir(), "data"));
  expect(load({ environment: { OPENAI_COMPAT_LOG_FILE: "server.log" } }).logFile).toBe("server.log");
});
