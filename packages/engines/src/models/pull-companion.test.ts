import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { convertBertToGguf } from "./convert/bert-to-gguf.ts";
import { convertBertToSafetensors } from "./convert/bert-to-safetensors.ts";
import type { CatalogueEntry, PinnedFile } from "./catalogue.ts";
import { pullModel } from "./pull.ts";
import { TINY_BERT, writeTinyBert } from "./testing/build-bert.ts";
import { startFakeHub } from "./testing/fake-hub.ts";
import { makeTemporaryDirectory } from "./testing/temporary-directory.ts";

const PARAMETERS = { headCount: TINY_BERT.headCount, layerNormEpsilon: 1e-12 } as const;
const KINDS = [
  { kind: "bert-to-gguf", fileName: "tiny.gguf", convert: convertBertToGguf },
  { kind: "bert-to-safetensors", fileName: "tiny.int8.safetensors", convert: convertBertToSafetensors },
] as const;

function pin(fileName: string, bytes: Buffer): PinnedFile {
  return { fileName, sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

async function makeFixture(directory: string, { kind, fileName, convert }: (typeof KINDS)[number] = KINDS[0]) {
  const { weightsPath, vocabularyPath } = await writeTinyBert(directory);
  const targetPath = path.join(directory, "expected");
  const parameters = { name: "Tiny", ...PARAMETERS };
  await convert({ weightsPath, vocabularyPath, targetPath, parameters });
  const [weights, vocabulary] = [await readFile(weightsPath), await readFile(vocabularyPath)];
  const entry: CatalogueEntry = {
    id: "tiny-bert",
    name: "Tiny",
    type: "embedding",
    licence: "MIT",
    description: "For tests.",
    contextTokens: 64,
    memoryBytes: 1,
    sampling: {},
    isDemonstration: false,
    artefact: pin(fileName, await readFile(targetPath)),
    sources: [
      {
        kind: "hub",
        repository: "owner/tiny",
        revision: "abc123",
        path: "model.safetensors",
        file: pin("tiny.safetensors", weights),
        companions: [{ path: "vocab.txt", file: pin("tiny.vocab.txt", vocabulary) }],
        conversion: { kind, ...PARAMETERS },
      },
    ],
  };
  return { entry, weights, vocabulary, targetPath };
}

test.each(KINDS)("weights and vocabulary are fetched, converted by $kind, and only the result stays", async (kind) => {
  await using directory = await makeTemporaryDirectory();
  const { entry, weights, vocabulary, targetPath } = await makeFixture(directory.path, kind);
  await using hub = await startFakeHub(weights);
  hub.serve(weights, '"weights"');
  const phases: string[] = [];
  const pulled = await pullModel({
    id: entry.id,
    catalogue: [entry],
    cacheDirectory: path.join(directory.path, "cache"),
    hubUrl: hub.url,
    onProgress: ({ phase }) => {
      phases.push(phase);
      // The second file is asked for when the first is there.
      if (hub.requests.length === 1 && phase === "downloading") hub.serve(vocabulary, '"vocabulary"');
    },
  });
  expect(hub.requests.map(({ url }) => url)).toEqual([
    "/owner/tiny/resolve/abc123/model.safetensors",
    "/owner/tiny/resolve/abc123/vocab.txt",
  ]);
  expect(new Set(phases)).toEqual(new Set(["downloading", "verifying", "converting"]));
  expect(pulled.fromCache).toBe(false);
  expect(await readdir(path.dirname(pulled.path))).toEqual([kind.fileName, `${kind.fileName}.verified.json`]);
  expect(await readFile(pulled.path)).toEqual(await readFile(targetPath));
});

test("a companion of other bytes is refused", async () => {
  await using directory = await makeTemporaryDirectory();
  const { entry, weights } = await makeFixture(directory.path);
  await using hub = await startFakeHub(weights);
  const pulling = pullModel({
    id: entry.id,
    catalogue: [entry],
    cacheDirectory: path.join(directory.path, "cache"),
    hubUrl: hub.url,
    settings: { download: { retryDelayMs: 1 } },
  });
  await expect(pulling).rejects.toMatchObject({ code: "engine_unavailable" });
});
