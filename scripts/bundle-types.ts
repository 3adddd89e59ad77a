/**
 * Makes a published package's declarations stand alone: it copies those that the library entry reaches, of our private
 * packages too, and points their imports at the copies. An import of a peer that may be missing is no error: its types are
 * `any` then. Only `tsc` makes declarations; this moves them.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { type PublishedPackage, readManifest, REPOSITORY } from "./published-packages.ts";
import { readImports } from "./read-imports.ts";

/** Where `tsc -b` leaves the declarations of a package, from its folder: `outDir` of its tsconfig. */
const DECLARATIONS = "node_modules/.tsc";

const exportsSchema = z.object({ exports: z.record(z.string(), z.string()) });

/** Folder of one of our packages, from the repository root, by its name without the scope. */
function folderOf(name: string): string {
  return name === "spec" || name === "conformance" ? name : `packages/${name}`;
}

/** The source file, from the repository root, that an import means; `null` when it is not ours. */
function resolveSource(file: string, specifier: string): string | null {
  if (specifier.startsWith(".")) return path.posix.join(path.posix.dirname(file), specifier);
  const [scope, name, ...rest] = specifier.split("/");
  if (scope !== "@openai-compat" || name === undefined) return null;
  const folder = folderOf(name);
  const manifest: unknown = JSON.parse(readFileSync(path.join(REPOSITORY, folder, "package.json"), "utf8"));
  const target = exportsSchema.parse(manifest).exports[["."].concat(rest).join("/")];
  if (target === undefined) throw new Error(`${specifier}, imported by ${file}, is not exported`);
  return path.posix.join(folder, target);
}

function readDeclaration(file: string): string {
  const folder = file.startsWith("packages/") ? file.split("/", 2).join("/") : (file.split("/", 1)[0] ?? "");
  const inPackage = path.posix.relative(folder, file).replace(/\.ts$/, ".d.ts");
  const declaration = readFileSync(path.join(REPOSITORY, folder, DECLARATIONS, inPackage), "utf8");
  return declaration.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "\n");
}

/** Writes `dist/types` of a package. @returns how many declaration files it took */
export function bundleTypes(published: PublishedPackage): number {
  // Through the shell, which finds the package's command on every platform.
  const compiled = spawnSync(`tsc -b ${published.folder}`, { cwd: REPOSITORY, shell: true, stdio: "inherit" });
  if (compiled.status !== 0) throw new Error(`${published.name} does not type-check`);
  const peers = Object.keys(readManifest(published.folder).peerDependencies);
  const waiting = [path.posix.join(published.folder, published.entries.index)];
  const seen = new Set(waiting);
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    let text = readDeclaration(file);
    for (const { specifier, span } of readImports(file, text).toReversed()) {
      if (specifier === null || span === null) continue;
      if (peers.some((name) => specifier === name || specifier.startsWith(`${name}/`))) {
        const lineStart = text.lastIndexOf("\n", span.start) + 1;
        text = `${text.slice(0, lineStart)}// @ts-ignore -- a peer that may be missing\n${text.slice(lineStart)}`;
        continue;
      }
      const target = resolveSource(file, specifier);
      if (target === null) continue;
      if (!seen.has(target)) waiting.push(target);
      seen.add(target);
      const relative = path.posix.relative(path.posix.dirname(file), target).replace(/\.ts$/, ".js");
      text = text.slice(0, span.start) + (relative.startsWith(".") ? relative : `./${relative}`) + text.slice(span.end);
    }
    const copy = path.join(REPOSITORY, published.folder, "dist/types", file.replace(/\.ts$/, ".d.ts"));
    mkdirSync(path.dirname(copy), { recursive: true });
    writeFileSync(copy, text);
  }
  return seen.size;
}
