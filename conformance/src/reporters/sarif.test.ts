import { createRequire } from "node:module";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sampleReport } from "../sample-report.fixture.ts";
import { hostileReport } from "./hostile-report.fixture.ts";
import { encodeSarif } from "./sarif.ts";

const require = createRequire(import.meta.url);
/** The schema of OASIS, as Microsoft's matchers carry it. Its dialect differs from newer ones in its own two keywords alone. */
const official = require("@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json") as Record<string, unknown>;
const { $schema: _dialect, id: _id, ...schema } = official;
const ajv = new Ajv({ strict: false, unicodeRegExp: false });
formats.default(ajv);
const validate = ajv.compile(schema);

const write = (report: typeof sampleReport): unknown => JSON.parse(JSON.stringify(encodeSarif(report)));

test("the log conforms to the official schema, whatever a target sends", () => {
  expect(validate(write(sampleReport)) ? [] : validate.errors).toEqual([]);
  fc.assert(
    fc.property(hostileReport, (report) => {
      expect(validate(write(report)) ? [] : validate.errors).toEqual([]);
    }),
    { numRuns: 30 },
  );
});

test("a fail is an error, a should a warning, a pass none, and a check that broke a notification", () => {
  const [run] = encodeSarif(sampleReport).runs;
  expect(run?.results?.map(({ ruleId, kind, level }) => [ruleId, kind, level])).toEqual([
    ["chat.sample.pass", "pass", "none"],
    ["chat.sample.warn", "fail", "warning"],
    ["chat.sample.fail", "fail", "error"],
  ]);
  const [invocation] = run?.invocations ?? [];
  expect(invocation).toMatchObject({ executionSuccessful: false, exitCode: 1 });
  expect(invocation?.toolExecutionNotifications?.[0]?.associatedRule).toEqual({ id: "chat.sample.harness-error" });
});

test("every result refers to the rule of its check", () => {
  const [run] = encodeSarif(sampleReport).runs;
  for (const { ruleId, ruleIndex } of run?.results ?? []) {
    expect(run?.tool.driver.rules?.[ruleIndex ?? -1]?.id).toBe(ruleId);
  }
});

test("a message holds no link of a target", () => {
  fc.assert(
    fc.property(hostileReport, (report) => {
      for (const { message } of encodeSarif(report).runs[0]?.results ?? []) {
        expect(message.text?.replaceAll(/\\[\\[\]]/g, "")).not.toMatch(/[[\]\\]/);
      }
    }),
  );
});
