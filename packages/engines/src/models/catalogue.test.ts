import { expect, test } from "vitest";
import { listCatalogue } from "./catalogue.ts";

test("every file is pinned by a plain name, a size and a SHA-256", () => {
  const files = listCatalogue().flatMap((entry) => [
    entry.artefact,
    ...entry.sources.flatMap((source) => {
      if (source.kind === "hub") return [source.file];
      return [source.file, ...(source.kind === "python-parts" ? source.parts : [source]).map(({ wheel }) => wheel)];
    }),
  ]);
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) {
    expect(file.fileName).toMatch(/^[\w.-]+$/);
    expect(file.sizeBytes).toBeGreaterThan(0);
    expect(file.sha256).toMatch(/^[0-9a-f]{64}$/);
  }
});

test("a source without a conversion delivers the artefact itself", () => {
  for (const { artefact, sources } of listCatalogue()) {
    for (const { file, conversion } of sources) expect(conversion === null).toBe(file.sha256 === artefact.sha256);
  }
});

test("hub files are pinned to a commit, and ids are unique and plain", () => {
  const entries = listCatalogue();
  for (const { id, sources } of entries) {
    expect(id).toMatch(/^[a-z0-9][a-z0-9.-]*$/);
    for (const source of sources) if (source.kind === "hub") expect(source.revision).toMatch(/^[0-9a-f]{40}$/);
  }
  expect(new Set(entries.map((entry) => entry.id)).size).toBe(entries.length);
});

test("the parts of a file make up its size", () => {
  const cut = listCatalogue().flatMap(({ sources }) => sources.filter((source) => source.kind === "python-parts"));
  expect(cut.length).toBeGreaterThan(0);
  for (const { file, parts } of cut) {
    expect(parts.reduce((sum, { memberBytes }) => sum + memberBytes, 0)).toBe(file.sizeBytes);
  }
});
