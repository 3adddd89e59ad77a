import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { allChecks } from "./all-checks.ts";
import { runCommandLine } from "./cli.ts";
import { Failure } from "./outcome-signals.ts";
import { findProfile, listProfileNames, PROFILE_RELEASES, selectChecks } from "./profiles.ts";
import { sampleCheck } from "./sample-check.fixture.ts";
import { answerJson, serveForTest } from "./test-server.fixture.ts";

/** Of what is released nothing changes: a new release has a file of its own. */
const HASHES: Readonly<Record<string, string>> = {
  "2026-11": "9f57632e6e81d01c9e8cce910fc7164171c52645aa585bd92d8ed5487093a4ce",
};

test.each(PROFILE_RELEASES.map((release) => [release.release, release] as const))(
  "the profiles of %s are as they were released",
  (name, release) => {
    expect(createHash("sha256").update(JSON.stringify(release)).digest("hex")).toBe(HASHES[name]);
  },
);

test("every check of a released profile is still in the suite", () => {
  const known = new Set(allChecks.map(({ id }) => id));
  for (const { ids } of PROFILE_RELEASES) expect(ids.filter((id) => !known.has(id))).toEqual([]);
});

test("every profile has checks, and a name without a date is the newest release", () => {
  for (const name of listProfileNames()) expect(findProfile(name).ids.size).toBeGreaterThan(10);
  expect(findProfile("core").name).toBe(`core-${PROFILE_RELEASES[0]?.release}`);
  expect(findProfile("full").ids.size).toBe(PROFILE_RELEASES[0]?.ids.length);
});

test.each([
  ["chat-2026-10", "Did you mean chat-2026-11?"],
  ["everything", "There are core-2026-11, chat-2026-11"],
  ["__proto__", "is no profile"],
  ["", "is no profile"],
])("the name %j is refused, and the profiles are named", (name, message) => {
  expect(() => findProfile(name)).toThrow(message);
});

test("a check that is newer than a profile runs with it when it is about the same, and does not count", () => {
  const newer = sampleCheck({ id: "chat.not-yet-there" });
  const other = sampleCheck({ id: "audio.not-yet-there" });
  const chat = findProfile("chat");
  expect(selectChecks(chat, [newer, other])).toEqual([newer]);
  expect(chat.ids.has(newer.id)).toBe(false);
});

async function type(...words: readonly string[]) {
  const checks = [
    sampleCheck({ id: "models.list.shape", area: "models" }),
    sampleCheck({ id: "audio.roundtrip.wav", area: "audio" }),
    sampleCheck({
      id: "models.not-yet-there",
      area: "models",
      run: () => Promise.reject(new Failure({ observer: "wire", expected: "a list", actual: "a map" })),
    }),
  ];
  const text = { stdout: "", stderr: "" };
  const exitCode = await runCommandLine(words, {
    stdout: { write: (more) => void (text.stdout += more), isTerminal: false, columns: 1000 },
    stderr: { write: (more) => void (text.stderr += more), isTerminal: false },
    environment: { OPENAI_BASE_URL: await serveForTest(answerJson({ object: "list", data: [{ id: "m" }] })) },
    checks,
  });
  return { exitCode, ...text };
}

test("a run of a profile has its checks alone, names it in the report, and forgives newer ones", async () => {
  const folder = await mkdtemp(join(tmpdir(), "profile-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "report.json");
  const { exitCode, stdout } = await type("--profile", "core", "--reporter", "pretty", "--reporter", `json:${file}`);
  expect(exitCode).toBe(0);
  expect(stdout).toContain(
    "Profile core-2026-11. 1 of its checks is newer than the profile: it runs and does not count.\n",
  );
  expect(stdout).toContain("✓ models  conformant      1 pass, 1 fail\n");
  expect(stdout).toContain("~ fail models.not-yet-there (must), not scored: the check is newer than the profile\n");
  expect(stdout.trimEnd()).toMatch(/✓ conformant: 1 check passed and no must check failed \(exit 0\)$/);
  expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({
    suite: { profile: "core-2026-11" },
    verdict: "conformant",
    checks: [
      { id: "models.list.shape", scored: true },
      { id: "models.not-yet-there", outcome: "fail", scored: false },
    ],
  });
});

test("a whole run of a profile writes the reports of a whole run", async () => {
  const folder = await mkdtemp(join(tmpdir(), "profile-"));
  const before = process.cwd();
  process.chdir(folder);
  onTestFinished(async () => {
    process.chdir(before);
    await rm(folder, { recursive: true });
  });
  expect((await type("--profile", "core")).stdout).toContain("Reports: report.json, junit.xml\n");
});

test("without a profile every check of this version counts", async () => {
  expect((await type("--reporter", "pretty")).exitCode).toBe(1);
});

test("list prints the checks of a profile, and an unknown one is exit code 2", async () => {
  expect((await type("list", "--profile", "audio-2026-11")).stdout).toMatch(/^audio\.roundtrip\.wav .*\n$/);
  const { exitCode, stderr } = await type("--profile", "cor-2026-11");
  expect(exitCode).toBe(2);
  expect(stderr).toContain("Did you mean core-2026-11?");
});

test("--only narrows a profile, and what is not in it matches nothing", async () => {
  const { stdout } = await type("--profile", "core", "--only", "models.list", "--plan");
  expect(stdout).toContain("1 of 1 checks would run");
  expect((await type("--profile", "core", "--only", "audio")).exitCode).toBe(2);
});
