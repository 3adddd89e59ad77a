import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ConfigError, listSettings, loadConfig } from "./config.ts";
import type { ConfigSources } from "./config.ts";

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
