/** Models that are put together: parts of a hub repository, members of an npm package, a release, and what they need. */
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type { CatalogueEntry, ModelSource } from "./catalogue.ts";
import type { PullOptions } from "./pull-options.ts";
import { findCachedModel, pullModel } from "./pull.ts";
import { buildTar } from "./testing/build-tar.ts";
import { pin } from "./testing/pull-fixture.ts";
import { makeTemporaryDirectory } from "./testing/temporary-directory.ts";

/** Nothing listens there. */
const NO_HUB = "http://127.0.0.1:4";
const PARTS = { "a.bin": Buffer.alloc(1300, 1), "b.bin": Buffer.alloc(512, 2), "c.bin": Buffer.alloc(7, 3) };
const WHOLE = Buffer.concat(Object.values(PARTS));

const HUB_PARTS: ModelSource = {
  kind: "hub-parts",
  repository: "owner/voices",
  revision: "abc123",
  parts: Object.entries(PARTS).map(([name, bytes]) => ({ path: `voices/${name}`, file: pin(name, bytes) })),
  file: pin("voices.bin", WHOLE),
  conversion: null,
};

function npmSource(tarball: Buffer): ModelSource {
  return {
    kind: "npm-package",
    packageName: "tiny-voices",
    version: "1.0.0",
    tarball: pin("tiny-voices-1.0.0.tgz", tarball),
    members: Object.entries(PARTS).map(([name, bytes]) => ({ name: `package/${name}`, sizeBytes: bytes.length })),
    file: pin("voices.bin", WHOLE),
    conversion: null,
  };
}

function makeEntry(sources: readonly ModelSource[], overrides: Partial<CatalogueEntry> = {}): CatalogueEntry {
  return {
    id: "voices",
    name: "Voices",
    licence: "MIT",
    description: "For tests.",
    memoryBytes: 0,
    isDemonstration: false,
    artefact: pin("voices.bin", WHOLE),
    sources,
    ...overrides,
    type: "data",
  };
}

interface Files extends AsyncDisposable {
  readonly url: string;
  readonly requested: string[];
}

async function serveFiles(files: Readonly<Record<string, Buffer>>): Promise<Files> {
  const requested: string[] = [];
  const server = createServer((request, response) => {
    requested.push(request.url ?? "");
    const bytes = files[request.url ?? ""];
    if (bytes === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-length": bytes.length }).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    requested,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function makeDirectory() {
  const directory = await makeTemporaryDirectory();
  await mkdir(path.join(directory.path, "bin"));
  const options = (entries: readonly CatalogueEntry[], hubUrl: string): PullOptions => ({
    id: entries[0]?.id ?? "",
    catalogue: entries,
    cacheDirectory: path.join(directory.path, "cache"),
    hubUrl,
    environment: { PATH: path.join(directory.path, "bin") },
    settings: { download: { retryDelayMs: 1, triesMax: 2 } },
  });
  const installNpm = async (script: string): Promise<void> => {
    const program = path.join(directory.path, "bin", "npm");
    await writeFile(program, `#!${process.execPath}\n${script}`);
    await chmod(program, 0o755);
  };
  return { directory, options, installNpm };
}

const HUB_FILES = Object.fromEntries(
  Object.entries(PARTS).map(([name, bytes]) => [`/owner/voices/resolve/abc123/voices/${name}`, bytes]),
);

test("parts of a hub repository become one file, and only that stays", async () => {
  const { directory, options } = await makeDirectory();
  await using _removed = directory;
  await using hub = await serveFiles(HUB_FILES);
  const seen: string[] = [];
  const pulled = await pullModel({
    ...options([makeEntry([HUB_PARTS])], hub.url),
    onProgress: ({ phase, receivedBytes, totalBytes }) => seen.push(`${phase} ${receivedBytes}/${totalBytes}`),
  });
  expect((await readFile(pulled.path)).equals(WHOLE)).toBe(true);
  expect(hub.requested).toEqual(Object.keys(HUB_FILES));
  expect(seen).toContain(`downloading ${WHOLE.length}/${WHOLE.length}`);
  expect(await readdir(path.dirname(pulled.path))).toEqual(["voices.bin", "voices.bin.verified.json"]);
});

test("parts that an interrupted pull left are not fetched again", async () => {
  const { directory, options } = await makeDirectory();
  await using _removed = directory;
  const { "/owner/voices/resolve/abc123/voices/c.bin": _last, ...incomplete } = HUB_FILES;
  const entry = makeEntry([HUB_PARTS]);
  {
    await using hub = await serveFiles(incomplete);
    await expect(pullModel(options([entry], hub.url))).rejects.toMatchObject({ code: "engine_unavailable" });
  }
  await using hub = await serveFiles(HUB_FILES);
  await pullModel(options([entry], hub.url));
  expect(hub.requested).toEqual(["/owner/voices/resolve/abc123/voices/c.bin"]);
});

test("a part of other bytes is refused", async () => {
  const { directory, options } = await makeDirectory();
  await using _removed = directory;
  await using hub = await serveFiles({ ...HUB_FILES, "/owner/voices/resolve/abc123/voices/b.bin": Buffer.alloc(512) });
  const pulling = pullModel(options([makeEntry([HUB_PARTS])], hub.url));
  await expect(pulling).rejects.toThrow("b.bin does not have its pinned checksum");
});

test.skipIf(process.platform === "win32")(
  "members of an npm package become one file, whatever their order in the archive",
  async () => {
    const { directory, options, installNpm } = await makeDirectory();
    await using _removed = directory;
    const members = Object.entries(PARTS).map(([name, bytes]) => ({ name: `package/${name}`, bytes }));
    const tarball = gzipSync(buildTar([...members.toReversed(), { name: "package/other", bytes: Buffer.from("x") }]));
    await using registry = await serveFiles({ "/tiny.tgz": tarball });
    await installNpm(`
      if (process.argv[2] !== "view" || process.argv[3] !== "tiny-voices@1.0.0") process.exit(1);
      console.log("${registry.url}/tiny.tgz");`);
    const pulled = await pullModel(options([makeEntry([HUB_PARTS, npmSource(tarball)])], NO_HUB));
    expect(pulled.source).toBe("npm package tiny-voices 1.0.0");
    expect((await readFile(pulled.path)).equals(WHOLE)).toBe(true);
  },
);

test.skipIf(process.platform === "win32").each([
  ["no npm", null, "no npm was found on this machine"],
  ["a failing npm", "process.exit(1);", "npm could not ask its registry"],
  ["an npm without an answer", "", "npm named no address for the package"],
])("%s is said", async (_case, script, reason) => {
  const { directory, options, installNpm } = await makeDirectory();
  await using _removed = directory;
  if (script !== null) await installNpm(script);
  const pulling = pullModel(options([makeEntry([npmSource(Buffer.from("tarball"))])], NO_HUB));
  await expect(pulling).rejects.toThrow(reason);
});

test.skipIf(process.platform === "win32").each([
  ["lacks a file", buildTar([{ name: "package/a.bin", bytes: PARTS["a.bin"] }]), "it holds no package/b.bin"],
  ["has a file of another size", buildTar([{ name: "package/a.bin", bytes: Buffer.alloc(3) }]), "has 3 bytes"],
  ["is no archive", Buffer.alloc(2048, "x"), "a header is broken"],
])("an npm package that %s is refused", async (_case, tar, reason) => {
  const { directory, options, installNpm } = await makeDirectory();
  await using _removed = directory;
  const tarball = gzipSync(tar);
  await using registry = await serveFiles({ "/tiny.tgz": tarball });
  await installNpm(`console.log("${registry.url}/tiny.tgz");`);
  await expect(pullModel(options([makeEntry([npmSource(tarball)])], NO_HUB))).rejects.toThrow(reason);
});

test("a release is downloaded from its own address", async () => {
  const { directory, options } = await makeDirectory();
  await using _removed = directory;
  await using server = await serveFiles({ "/files/voices.bin": WHOLE });
  const source: ModelSource = {
    kind: "release",
    publisher: "tiny, v1",
    url: `${server.url}/files/voices.bin`,
    file: pin("voices.bin", WHOLE),
    conversion: null,
  };
  const pulled = await pullModel(options([makeEntry([source])], NO_HUB));
  expect(pulled.source).toBe("release tiny, v1");
  expect((await readFile(pulled.path)).equals(WHOLE)).toBe(true);
});

test("a model counts as cached when what it needs is cached, too", async () => {
  const { directory, options } = await makeDirectory();
  await using _removed = directory;
  await using hub = await serveFiles(HUB_FILES);
  const needed = makeEntry([HUB_PARTS], { id: "needed" });
  const entry = makeEntry([HUB_PARTS], { needs: ["needed"] });
  const pull = options([entry, needed], hub.url);
  const { path: modelPath } = await pullModel(pull);
  expect(existsSync(modelPath)).toBe(true);
  expect(await findCachedModel("voices", pull)).not.toBe(null);
  const alone = { ...pull, catalogue: [entry, makeEntry([], { id: "needed", artefact: pin("other.bin", WHOLE) })] };
  expect(await findCachedModel("voices", alone)).toBe(null);
});
