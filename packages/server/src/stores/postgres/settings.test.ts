import { inspect } from "node:util";
import { expect, test } from "vitest";
import { loadConfig } from "../../load-config.ts";

const load = (environment: Readonly<Record<string, string>>) => loadConfig({ file: null, environment, flags: {} });

test.each([
  "postgresql://ada:pw@db.example:5432/credits?sslmode=verify-full",
  "postgres:///credits?host=/run/postgresql",
])("the environment names the database %s", (url) => {
  const { store, postgres } = load({ OPENAI_COMPAT_STORE: "postgres", OPENAI_COMPAT_POSTGRES_URL: url });
  expect(store).toBe("postgres");
  expect(postgres.url).toBe(url);
  expect(postgres.connectionsMax).toBeGreaterThan(0);
});

test.each([
  "mysql://ada:secret-password@db.example/credits",
  "postgresql://ada:secret-password@db.example:port/credits",
])("the URL %s is refused by name, and its password stays unsaid", (url) => {
  let refusal: unknown;
  try {
    load({ OPENAI_COMPAT_POSTGRES_URL: url });
  } catch (thrown) {
    refusal = thrown;
  }
  expect(refusal).toMatchObject({ message: expect.stringMatching(/OPENAI_COMPAT_POSTGRES_URL.*postgresql:\/\//) });
  expect(inspect(refusal, { depth: 9, showHidden: true })).not.toContain("secret-password");
});
