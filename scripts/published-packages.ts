/** The packages that npm users install: where each lies, and which modules its bundle starts from. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";

export const REPOSITORY = path.dirname(import.meta.dirname);

export interface PublishedPackage {
  readonly name: string;
  /** From the repository root. */
  readonly folder: string;
  /** Name of a file in `dist` → module that it is bundled from, from the package's folder. `index` is the library. */
  readonly entries: Readonly<Record<string, string>> & { readonly index: string };
  /** The oldest Node.js that the bundle has to run on, or the year of the language that it is written in. */
  readonly target: string;
  /** Where it runs: a bundle for every platform imports nothing of Node.js. */
  readonly platform: "node" | "neutral";
  /**
   * Packages of other people that are part of the bundle, because to depend on them would install much more than is
   * used. Their licences are copied into `dist/licenses`.
   */
  readonly bundled: readonly string[];
  /** Files of the repository that are copied into `dist`. */
  readonly assets: readonly string[];
}

export const PUBLISHED_PACKAGES: readonly PublishedPackage[] = [
  {
    name: "@openai-compat/server",
    folder: "packages/server",
    entries: {
      "openai-compat": "src/launcher.ts",
      index: "src/index.ts",
      "native-child": "../engines/src/host/native-child.ts",
    },
    target: "node20",
    platform: "node",
    bundled: [],
    assets: [
      "spec/openapi.json",
      "packages/server/node_modules/@scalar/api-reference/dist/browser/standalone.js",
      "packages/server/src/demo/realtime.js",
      "packages/server/src/demo/capture-worklet.js",
      "licenses/NOTICE.md",
      "licenses/Apache-2.0.txt",
    ],
  },
  {
    name: "@openai-compat/conformance",
    folder: "conformance",
    entries: { "openai-conformance": "src/main.ts", index: "src/index.ts" },
    target: "node20",
    platform: "node",
    // As dependencies they would take 32 MB and bring a second zod along, which the newest would then be given.
    bundled: ["openai-v5", "openai-v6"],
    assets: ["spec/openapi.json", "conformance/report.schema.json"],
  },
  {
    name: "@openai-compat/client",
    folder: "packages/client",
    entries: { index: "src/index.ts" },
    target: "es2022",
    platform: "neutral",
    // As dependencies they would bring the TypeScript compiler along, a peer of theirs.
    bundled: ["@trpc/client", "@trpc/server"],
    assets: [],
  },
];

const manifestSchema = z.object({
  version: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
  peerDependencies: z.record(z.string(), z.string()).default({}),
});

export type Manifest = z.infer<typeof manifestSchema>;

export function readManifest(folder: string): Manifest {
  return manifestSchema.parse(JSON.parse(readFileSync(path.join(REPOSITORY, folder, "package.json"), "utf8")));
}
