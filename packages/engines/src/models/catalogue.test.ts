import { expect, test } from "vitest";
import { listCatalogue } from "./catalogue.ts";

test("every file is pinned by a plain name, a size and a SHA-256", () => {
  const files = listCatalogue().flatMap((entry) => [
    // What a conversion makes may be pinned by its inputs alone.
    ...(entry.artefact.sha256 === null ? [] : [{ ...entry.artefact, sha256: entry.artefact.sha256 }]),
    ...entry.sources.flatMap((source) => {
      switch (source.kind) {
        case "hub":
        case "release":
          return [source.file];
        case "hub-parts":
          return [source.file, ...source.parts.map(({ file }) => file)];
        case "npm-package":
          return [source.file, source.tarball];
        case "python-package":
          return [source.file, source.wheel];
        case "python-parts":
          return [source.file, ...source.parts.map(({ wheel }) => wheel)];
      }
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
    for (const source of sources) {
      if (source.kind === "hub" || source.kind === "hub-parts") expect(source.revision).toMatch(/^[0-9a-f]{40}$/);
      if (source.kind === "release") expect(source.url).toMatch(/^https:/);
    }
  }
  expect(new Set(entries.map((entry) => entry.id)).size).toBe(entries.length);
});

test("the parts of a file make up its size", () => {
  const cut = listCatalogue().flatMap(({ sources }) =>
    sources.flatMap((source) => {
      if (source.kind === "python-parts") {
        return [{ file: source.file, sizes: source.parts.map(({ memberBytes }) => memberBytes) }];
      }
      if (source.kind === "hub-parts") {
        return [{ file: source.file, sizes: source.parts.map(({ file }) => file.sizeBytes) }];
      }
      if (source.kind === "npm-package") {
        return [{ file: source.file, sizes: source.members.map(({ sizeBytes }) => sizeBytes) }];
      }
      return [];
    }),
  );
  expect(cut.length).toBeGreaterThan(3);
  for (const { file, sizes } of cut) expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(file.sizeBytes);
});

test("what an entry needs is in the catalogue, and needs nothing itself", () => {
  const entries = listCatalogue();
  const needed = entries.flatMap(({ needs = [] }) => needs);
  expect(needed.length).toBeGreaterThan(0);
  for (const id of needed) expect(entries.find((entry) => entry.id === id)?.needs ?? []).toEqual([]);
});
