import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { z } from "zod";
import { encodeJsonReport, jsonReportSchema } from "./report.ts";
import { sampleReport } from "./sample-report.fixture.ts";

test("the JSON report has the published shape", () => {
  expect(jsonReportSchema.parse(encodeJsonReport(sampleReport))).toMatchObject({
    schema_version: 1,
    exit_code: 1,
    suite: { sdk_version: "7.0.0", spec_sha256: null },
    target: { base_url: "http://127.0.0.1:1/v1" },
    counts: { pass: 1, fail: 1, disabled: 1 },
  });
});

test("the report conforms to report.schema.json", () => {
  const published: unknown = JSON.parse(readFileSync(new URL("../report.schema.json", import.meta.url), "utf8"));
  expect(published).toEqual(z.toJSONSchema(jsonReportSchema));
  const validate = new Ajv2020({ allowUnionTypes: true }).compile(published as Record<string, unknown>);
  expect(validate(JSON.parse(JSON.stringify(encodeJsonReport(sampleReport)))) ? [] : validate.errors).toEqual([]);
});
