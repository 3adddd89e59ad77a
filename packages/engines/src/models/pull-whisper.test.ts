import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { writeTinyCheckpoint } from "../whisper/testing/tiny-checkpoint.ts";
import type { CatalogueEntry, PinnedFile } from "./catalogue.ts";
import { convertWhisperToSafetensors } from "./convert/whisper/whisper-to-safetensors.ts";
import { ModelUnavailableError } from "./model-unavailable-error.ts";
import { findCachedModel, pullModel, verifyCachedModel } from "./pull.ts";
import { startFakeHub } from "./testing/fake-hub.ts";
import { makeTemporaryDirectory } from "./testing/temporary-directory.ts";

function pin(fileName: string, bytes: Buffer): PinnedFile {
  return { fileName, sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

test.each([
  { title: "pinned itself", isPinned: true },
  { title: "pinned by its inputs alone", isPinned: false },
])(
  "weights, vocabulary and configuration of a Whisper are fetched and become one file, $title",
  async ({ isPinned }) => {
    await using directory = await makeTemporaryDirectory();
    const checkpoint = await writeTinyCheckpoint(directory.path);
    const expectedPath = path.join(directory.path, "expected.safetensors");
    await convertWhisperToSafetensors({ ...checkpoint, targetPath: expectedPath });
    const [weights, vocabulary, config] = await Promise.all(
      [checkpoint.weightsPath, checkpoint.vocabularyPath, checkpoint.configPath].map(async (file) => readFile(file)),
    );
    if (weights === undefined || vocabulary === undefined || config === undefined)
      throw new Error("A file is missing.");
    const expected = pin("tiny.safetensors", await readFile(expectedPath));
    const entry: CatalogueEntry = {
      id: "tiny-whisper",
      name: "Tiny",
      type: "transcription",
      licence: "MIT",
      description: "For tests.",
      memoryBytes: 1,
      isDemonstration: false,
      artefact: { ...expected, ...(isPinned ? {} : { sha256: null }) },
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
    const lookup = { id: entry.id, catalogue: [entry], cacheDirectory: path.join(directory.path, "cache") };
    const pulled = await pullModel({
      ...lookup,
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
    expect(await pullModel({ ...lookup, allowNetwork: false })).toMatchObject({ fromCache: true });
    expect(await verifyCachedModel(lookup)).toBe("intact");
    const bytes = await readFile(pulled.path);
    const damaged = bytes.fill(1, bytes.length - 8);
    await writeFile(pulled.path, damaged);
    expect(await verifyCachedModel(lookup)).toBe("damaged");
    expect(await findCachedModel(entry.id, lookup)).toBeNull();
    await expect(pullModel({ ...lookup, allowNetwork: false })).rejects.toThrow(ModelUnavailableError);
  },
);
