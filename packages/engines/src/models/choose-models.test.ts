import { expect, test } from "vitest";
import { MODEL_PROCESS_BYTES } from "../host/process-bytes.ts";
import { estimateLocalBytes } from "../llama/local-model.ts";
import { estimateOnnxEmbeddingBytes } from "../onnx-embedding/onnx-embedding-memory.ts";
import { isLlamaEntry, isOnnxEmbeddingEntry, listCatalogue, type CatalogueEntry } from "./catalogue.ts";
import { chooseModels } from "./choose-models.ts";
import { cacheDirectory } from "./cache-directory.ts";
import { countNeededBytes } from "./disk-space.ts";
import { findCachedModel } from "./pull.ts";

const [large, small] = listCatalogue().filter(({ type }) => type === "chat");
if (large === undefined || small === undefined) throw new Error("The catalogue has two chat models.");
const AMPLE = 10 ** 12;
const idsOf = (entries: readonly CatalogueEntry[]) => entries.map(({ id }) => id);
const choose = (capacity: { diskBytes: number; memoryBytes: number | null }, isCached = false) =>
  chooseModels(
    [large, small].map((entry) => ({ entry, isCached })),
    capacity,
  );

test("with capacity for all, the order stays", () => {
  expect(choose({ diskBytes: AMPLE, memoryBytes: null })).toEqual({ fitting: [large, small], reasons: [] });
});

test("a byte of memory decides", () => {
  expect(idsOf(choose({ diskBytes: AMPLE, memoryBytes: large.memoryBytes + MODEL_PROCESS_BYTES }).fitting)).toEqual([
    large.id,
    small.id,
  ]);
  const { fitting, reasons } = choose({ diskBytes: AMPLE, memoryBytes: large.memoryBytes + MODEL_PROCESS_BYTES - 1 });
  expect(idsOf(fitting)).toEqual([small.id]);
  expect(reasons).toEqual([expect.stringMatching(/needs 1408 MB of memory, and 1408 MB are available/)]);
});

test("a byte of the disk decides, unless the model is there already", () => {
  const diskBytes = countNeededBytes(large) - 1;
  expect(idsOf(choose({ diskBytes: diskBytes + 1, memoryBytes: null }).fitting)).toEqual([large.id, small.id]);
  expect(idsOf(choose({ diskBytes, memoryBytes: null }).fitting)).toEqual([small.id]);
  expect(idsOf(choose({ diskBytes, memoryBytes: null }, true).fitting)).toEqual([large.id, small.id]);
});

test("a model that the disk has no room for is left out with the cache's directory and the variable that moves it", () => {
  const { reasons } = choose({ diskBytes: countNeededBytes(large) - 1, memoryBytes: null });
  expect(reasons).toEqual([
    expect.stringMatching(/needs \d+ MB of free disk space in (.+), and \d+ MB are available: .*OPENAI_COMPAT_CACHE/),
  ]);
  expect(reasons[0]).toContain(` in ${cacheDirectory()}, `);
});

test("a pull needs disk space for what lies beside the file, too", () => {
  const [, packages] = large.sources;
  if (packages?.kind !== "python-parts") throw new Error("The second source is in parts.");
  const largest = Math.max(...packages.parts.map(({ wheel }) => wheel.sizeBytes));
  expect(countNeededBytes(large)).toBeGreaterThan(large.artefact.sizeBytes + largest);
});

test.each(listCatalogue().filter(isLlamaEntry))(
  "what the catalogue says of the memory of $id is what its file needs at most",
  async (entry) => {
    const cached = await findCachedModel(entry.id);
    if (cached === null) return expect(entry.memoryBytes).toBeGreaterThan(entry.artefact.sizeBytes);
    const { contextTokens } = entry;
    const settings = {
      modelPath: cached.path,
      ...(entry.type === "embedding" && { contextTokens, threads: 8 }),
    };
    const bytes = await estimateLocalBytes({ type: entry.type, settings });
    expect(entry.memoryBytes).toBeGreaterThanOrEqual(bytes);
    expect(entry.memoryBytes).toBeLessThan(bytes * 1.05);
  },
);

test.each(listCatalogue().filter(isOnnxEmbeddingEntry))(
  "what the catalogue says of the memory of $id is what its engine estimates",
  async ({ id, artefact, contextTokens, memoryBytes }) => {
    const cached = await findCachedModel(id);
    if (cached === null) return expect(memoryBytes).toBeGreaterThan(artefact.sizeBytes);
    const bytes = await estimateOnnxEmbeddingBytes({ modelPath: cached.path, contextTokens });
    expect(memoryBytes).toBeGreaterThanOrEqual(bytes);
    expect(memoryBytes).toBeLessThan(bytes * 1.05);
  },
);
