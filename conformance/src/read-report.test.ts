import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { decodeReport, readReport } from "./read-report.ts";
import { sampleJson } from "./report-file.fixture.ts";
import { ConfigurationError } from "./resolve-target.ts";

const SAMPLE = JSON.stringify(sampleJson({ "models.a": "pass", "models.b": "fail" }));

test("a report has its target, its suite and its checks by id", () => {
  const { baseUrl, models, suite, checks } = decodeReport(SAMPLE, "r.json");
  expect({ baseUrl, models, version: suite.version }).toEqual({
    baseUrl: "http://127.0.0.1:1/v1",
    models: { chat: "m" },
    version: "1.2.3",
  });
  expect([...checks.values()]).toEqual([
    { id: "models.a", level: "must", outcome: "pass", reason: "" },
    { id: "models.b", level: "must", outcome: "fail", reason: "models.b is fail" },
  ]);
});

test("what a later version adds, and what an earlier one lacks, is no obstacle", () => {
  const { ending: _, gate: __, baseline: ___, ...earlier } = sampleJson({ "models.a": "pass" });
  const later = { ...earlier, more: [1], target: { base_url: "http://h/v1", models: { chat: "m", video: "v" } } };
  expect(decodeReport(JSON.stringify(later), "r.json")).toMatchObject({ ending: "complete", models: { chat: "m" } });
});

test.each([
  ["an empty file", "", "The report r.json is empty."],
  ["a report that is cut off", SAMPLE.slice(0, -20), "r.json is broken JSON. Was it cut off?"],
  ["XML", "<testsuites/>", "r.json is no JSON: --reporter json:FILE writes a report."],
  ["a list", "[]", "r.json is JSON, but no report of this suite"],
  ["null", "null", "r.json is JSON, but no report of this suite"],
  ["JSON of something else", '{"a":1}', "r.json is JSON, but no report of this suite"],
  [
    "a later schema",
    SAMPLE.replace('"schema_version":1', '"schema_version":2'),
    "has schema_version 2, and this suite reads 1",
  ],
  ["a schema that is text", SAMPLE.replace('"schema_version":1', '"schema_version":"1"'), 'has schema_version "1"'],
  ["no checks", '{"schema_version":1}', "r.json is JSON, but no report of this suite"],
  ["no suite", '{"schema_version":1,"checks":[]}', "The report r.json is wrong at suite"],
  ["an unknown outcome", SAMPLE.replace('"outcome":"fail"', '"outcome":"maybe"'), "is wrong at checks.1.outcome"],
  ["a check twice", SAMPLE.replace('"models.b"', '"models.a"'), 'has the check "models.a" more than once'],
])("%s is refused by what it is", (_, text, message) => {
  expect(() => decodeReport(text, "r.json")).toThrow(ConfigurationError);
  expect(() => decodeReport(text, "r.json")).toThrow(message);
});

test("JSON that is nested without end is refused", () => {
  expect(() => decodeReport("[".repeat(2_000_000), "r.json")).toThrow(ConfigurationError);
  const deep = `{"schema_version":1,"checks":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
  expect(() => decodeReport(deep, "r.json")).toThrow(ConfigurationError);
});

test("whatever a file holds, the message is short and one for people", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        decodeReport(text, "r.json");
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigurationError);
        expect(String(error).length).toBeLessThan(400);
      }
    }),
  );
});

test("a file that is absent or too large is refused by name", async () => {
  const folder = await mkdtemp(join(tmpdir(), "report-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "large.json");
  await writeFile(file, " ".repeat(64 * 1024 * 1024 + 1));
  await expect(readReport(file)).rejects.toThrow("large.json has more than 67108864 bytes");
  await expect(readReport(join(folder, "absent.json"))).rejects.toThrow("absent.json can't be read");
});
