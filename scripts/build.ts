/**
 * Builds what npm gets: our own packages in one bundle per published package, other people's packages left as
 * dependencies, lazy imports still lazy. `node scripts/build.ts [package name…]`; without a name it builds all.
 */

import { copyFileSync, mkdirSync, realpathSync, rmSync } from "node:fs";
import path from "node:path";
import { build, type Metafile } from "esbuild";
import { bundleTypes } from "./bundle-types.ts";
import { PUBLISHED_PACKAGES, type PublishedPackage, readManifest, REPOSITORY } from "./published-packages.ts";

function packageNameOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** What is wrong with a bundle: a package that its users would miss, or one that they would install for nothing. */
function findDependencyProblems(
  metafile: Metafile,
  { dependencies, bundled }: { dependencies: readonly string[]; bundled: ReadonlyMap<string, string> },
): readonly string[] {
  const foreign = Object.keys(metafile.inputs).filter((input) => input.includes("node_modules/"));
  const isOf = (input: string, home: string) => input.startsWith(`${home}/`);
  const isAllowed = (input: string) => [...bundled.values()].some((home) => isOf(input, home));
  const imported = new Set(
    Object.values(metafile.outputs)
      .flatMap((output) => output.imports)
      .filter((site) => site.external === true && !site.path.startsWith("node:"))
      .map((site) => packageNameOf(site.path)),
  );
  return [
    ...foreign
      .filter((input) => !isAllowed(input))
      .map((input) => `${input} is bundled: name its package under dependencies`),
    ...[...bundled]
      .filter(([, home]) => foreign.every((input) => !isOf(input, home)))
      .map(([name]) => `nothing of ${name} is bundled`),
    // Types are for the declarations of the package that they describe.
    ...dependencies
      .filter((name) => !imported.has(name.replace(/^@types\//, "")))
      .map((name) => `nothing imports the dependency ${name}`),
    ...[...imported].filter((name) => !dependencies.includes(name)).map((name) => `${name} is no dependency`),
  ];
}

/** Where the files of a package lie, from the folder of the one that has it: an alias has the name of another one. */
function homeOf(folder: string, name: string): string {
  return path.relative(folder, realpathSync(path.join(folder, "node_modules", name))).replaceAll("\\", "/");
}

async function buildPackage(published: PublishedPackage): Promise<void> {
  const folder = path.join(REPOSITORY, published.folder);
  const dist = path.join(folder, "dist");
  const manifest = readManifest(published.folder);
  const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  rmSync(dist, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: folder,
    entryPoints: published.entries,
    outdir: dist,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: published.platform,
    target: published.target,
    external: dependencies,
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: "warning",
  });
  const problems = findDependencyProblems(metafile, {
    dependencies,
    bundled: new Map(published.bundled.map((name) => [name, homeOf(folder, name)])),
  });
  if (problems.length > 0) throw new Error(`${published.name}:\n  ${problems.join("\n  ")}`);
  for (const asset of published.assets) {
    copyFileSync(path.join(REPOSITORY, asset), path.join(dist, path.basename(asset)));
  }
  for (const name of published.bundled) {
    mkdirSync(path.join(dist, "licenses"), { recursive: true });
    copyFileSync(
      path.join(folder, "node_modules", name, "LICENSE"),
      path.join(dist, "licenses", `${name.replace("/", "-")}.txt`),
    );
  }
  const declarations = bundleTypes(published);
  console.log(`${published.name}: ${Object.keys(metafile.outputs).length} files and ${declarations} declarations`);
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => PUBLISHED_PACKAGES.every((published) => published.name !== name));
if (unknown.length > 0) throw new Error(`No published package is called ${unknown.join(", ")}.`);
for (const published of PUBLISHED_PACKAGES) {
  if (names.length === 0 || names.includes(published.name)) await buildPackage(published);
}
