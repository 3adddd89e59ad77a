import { expect, test } from "vitest";
import { findSchema, listKnownKeys, readMarks } from "../config-schema.ts";
import { configSchema } from "../config.ts";
import { listEngineKinds } from "../engine-kinds/index.ts";
import { listSettings } from "../load-config.ts";

test("every setting whose name says that it holds a secret is marked as one", () => {
  const settings = listSettings().map(({ path }) => ({
    name: path.join("."),
    schema: findSchema(configSchema, path, {}),
  }));
  const ofKinds = listEngineKinds().flatMap(({ kind, settings: schema }) =>
    listKnownKeys(schema).map((key) => ({ name: `${kind}.${key}`, schema: findSchema(schema, [key], {}) })),
  );
  const secret = [...settings, ...ofKinds].filter(
    ({ schema }) => schema !== null && readMarks(schema).isSecret === true,
  );
  const named = [...settings, ...ofKinds].filter(({ name }) => /(?:secret|token|apikey|password)$/i.test(name));
  expect(named.length).toBeGreaterThan(2);
  expect(secret.map(({ name }) => name)).toEqual(expect.arrayContaining(named.map(({ name }) => name)));
  expect(secret.map(({ name }) => name)).toContain("postgres.url");
});
