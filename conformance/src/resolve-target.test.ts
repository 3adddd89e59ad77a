import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ConfigurationError, normaliseBaseUrl, resolveTarget } from "./resolve-target.ts";

async function writeRecipe(recipe: unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "recipe-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "target.json");
  await writeFile(file, typeof recipe === "string" ? recipe : JSON.stringify(recipe));
  return file;
}

test("a recipe's keys are literal, from the environment, or printed by a command", async () => {
  const targetFile = await writeRecipe({
    base_url: "http://h/v1/",
    keys: { full: "literal", expired: { env: "OLD" }, no_credit: { command: [process.execPath, "-p", "'printed'"] } },
    models: { chat: "m" },
  });
  const target = await resolveTarget({ targetFile, environment: { OLD: "from-env" } });
  expect(target).toEqual({
    baseUrl: "http://h/v1",
    keys: { full: "literal", expired: "from-env", no_credit: "printed" },
    models: { chat: "m" },
    fixtures: {},
    headers: {},
  });
});

test("a recipe's fixtures are decoded", async () => {
  const targetFile = await writeRecipe({
    base_url: "http://h/v1",
    fixtures: {
      small_credit: { affordable_calls: 3, max_tokens: 64 },
      rate_limited: { requests_per_minute: 5 },
      overload: { model: "slow", concurrency: 2, waiting_max: 0, others: { embedding: "slow-vectors" } },
      upstream_secret: "canary-4711",
      body_bytes_max: 1024,
    },
  });
  expect((await resolveTarget({ targetFile })).fixtures).toEqual({
    small_credit: { affordableCalls: 3, maxTokens: 64 },
    rate_limited: { requestsPerMinute: 5 },
    overload: { model: "slow", concurrency: 2, waitingMax: 0, others: { embedding: "slow-vectors" } },
    upstream_secret: "canary-4711",
    body_bytes_max: 1024,
  });
});

test.each([
  [{ small_credit: { affordable_calls: 0, max_tokens: 64 } }, /fixtures\.small_credit\.affordable_calls/],
  [{ small_credit: { affordable_calls: 3 } }, /fixtures\.small_credit\.max_tokens/],
  [{ rate_limited: { requests_per_minute: "5" } }, /fixtures\.rate_limited\.requests_per_minute/],
  [{ overload: { model: "slow", concurrency: 2, waiting_max: -1 } }, /fixtures\.overload\.waiting_max/],
  [{ overload: { model: "slow", concurrency: 2, waiting_max: 0, others: { chat: "m" } } }, /chat/],
  [{ upstream_secret: "short" }, /fixtures\.upstream_secret/],
  [{ body_bytes_max: 1.5 }, /fixtures\.body_bytes_max/],
  [{ rate_limited: { requests_per_minute: 101 } }, /fixtures\.rate_limited\.requests_per_minute/],
  [{ body_bytes_max: 2 ** 30 }, /fixtures\.body_bytes_max/],
  [{ over_load: {} }, /over_load/],
])("a fixture that is wrong is refused by its name: %j", async (fixtures, name) => {
  const targetFile = await writeRecipe({ base_url: "http://h/v1", fixtures });
  await expect(resolveTarget({ targetFile })).rejects.toThrow(name);
});

test("flags win over the recipe, and the recipe over the environment", async () => {
  const targetFile = await writeRecipe({
    base_url: "http://recipe/v1",
    keys: { full: "recipe" },
    models: { chat: "r" },
  });
  const environment = { OPENAI_BASE_URL: "http://env/v1", OPENAI_API_KEY: "env", OPENAI_CONFORMANCE_MODEL: "e" };
  expect(await resolveTarget({ environment })).toMatchObject({
    baseUrl: "http://env/v1",
    keys: { full: "env" },
    models: { chat: "e" },
  });
  expect(await resolveTarget({ targetFile, environment })).toMatchObject({
    baseUrl: "http://recipe/v1",
    keys: { full: "recipe" },
  });
  const flags = { baseUrl: "http://flag/v1", keys: { full: "flag" }, models: { chat: "f" } };
  expect(await resolveTarget({ ...flags, targetFile, environment })).toMatchObject(flags);
});

test.each(["no url", "ftp://h/v1", "http://user:secret@h/v1", "http://h/v1?key=secret", "http://h/v1#secret"])(
  "the base URL %s is refused without repeating it",
  (text) => {
    expect(() => normaliseBaseUrl(text)).toThrow(ConfigurationError);
    expect(() => normaliseBaseUrl(text)).not.toThrow(/secret/);
  },
);

test("a recipe that is wrong is refused, and its text is not repeated", async () => {
  const unknownName = await writeRecipe({ base_url: "http://h/v1", keys: { ful: "sk-secret" } });
  await expect(resolveTarget({ targetFile: unknownName })).rejects.toThrow(/ful/);
  await expect(resolveTarget({ targetFile: unknownName })).rejects.not.toThrow(/sk-secret/);
  const noJson = await writeRecipe('{"keys": "sk-secret"');
  await expect(resolveTarget({ targetFile: noJson })).rejects.toThrow(/is not JSON\.$/);
});

test("a missing target, an unset variable and a failing command are configuration errors", async () => {
  await expect(resolveTarget({})).rejects.toThrow(ConfigurationError);
  const unset = await writeRecipe({ base_url: "http://h/v1", keys: { full: { env: "ABSENT" } } });
  await expect(resolveTarget({ targetFile: unset })).rejects.toThrow(/ABSENT is not set/);
  const failing = await writeRecipe({
    base_url: "http://h/v1",
    keys: { full: { command: [process.execPath, "-e", "process.exit(9)"] } },
  });
  await expect(resolveTarget({ targetFile: failing })).rejects.toThrow(/failed \(9\)/);
});
