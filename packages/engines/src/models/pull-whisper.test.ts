import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { writeTinyCheckpoint } from "../whisper/testing/tiny-checkpoint.ts";
import type { CatalogueEntry, PinnedFile } from "./catalogue.ts";
import { convertWhisperToSafetensors } from "./convert/whisper/whisper-to-safetensors.ts";
import { pullModel } from "./pull.ts";
import { startFakeHub } from "./testing/fake-hub.ts";
import { makeTemporaryDirectory } from "./testing/temporary-directory.ts";

function pin(fileName: string, bytes: Buffer): PinnedFile {
  return { fileName, sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

test("weights, vocabulary and configuration of a Whisper are fetched and become one file", async () => {
  await using directory = await makeTemporaryDirectory();
  const checkpoint = await writeTinyCheckpoint(directory.path);
  const expectedPath = path.join(directory.path, "expected.safetensors");
  await convertWhisperToSafetensors({ ...checkpoint, targetPath: expectedPath });
  const [weights, vocabulary, config] = await Promise.all(
    [checkpoint.weightsPath, checkpoint.vocabularyPath, checkpoint.configPath].map(async (file) => readFile(file)),
  );
  if (weights === undefined || vocabulary === undefined || config === undefined) throw new Error("A file is missing.");
  const entry: CatalogueEntry = {
    id: "tiny-whisper",
    name: "Tiny",
    type: "transcription",
    licence: "MIT",
    description: "For tests.",
    memoryBytes: 1,
    isDemonstration: false,
    artefact: pin("tiny.safetensors", await readFile(expectedPath)),
    sources: [
      {
        kind: "hub",
        repository: "owner/tiny",
        revision: "abc123",
        path: "model.bin",
        file: pin("tiny.bin", weights),
        companions: [
          { path: "vocabulary.txt", file: pin("tiny.vocabulary.txt", vocabulary) },
          { path: "config.json", file: pin("tiny.config.json", config) },
        ],
        conversion: "whisper-to-safetensors",
      },
    ],
  };
  await using hub = await startFakeHub(weights);
  hub.serve(weights, '"weights"');
  const next = [vocabulary, config];
  const pulled = await pullModel({
    id: entry.id,
    catalogue: [entry],
    cacheDirectory: path.join(directory.path, "cache"),
    hubUrl: hub.url,
    onProgress({ phase, receivedBytes, totalBytes }) {
      // The next file is asked for when the last one is there.
      if (phase !== "verifying" || receivedBytes !== totalBytes) return;
      const bytes = next.shift();
      if (bytes !== undefined) hub.serve(bytes, `"${next.length}"`);
    },
  });
  expect(hub.requests.map(({ url }) => url)).toEqual([
    "/owner/tiny/resolve/abc123/model.bin",
    "/owner/tiny/resolve/abc123/vocabulary.txt",
    "/owner/tiny/resolve/abc123/config.json",
  ]);
  expect(await readFile(pulled.path)).toEqual(await readFile(expectedPath));
  expect(await readdir(path.dirname(pulled.path))).toEqual(["tiny.safetensors", "tiny.safetensors.verified.json"]);
});
