/**
 * Proves that the packed client works where applications run it: its types compile by themselves, its bundle for browsers
 * is small and holds nothing else, and one program that uses all of it runs on each platform that can be had here.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";
import type { Metafile } from "esbuild";
import { z } from "zod";
import { CONSUMER, LIBRARY_MAIN, MISTAKES, PAGE_MAIN, PROCESS_MAIN } from "./client-programs.ts";

/** What an application's users load before its first call, compressed. */
const ENTRY_BYTES_MAX = 25_000;
const RUN_MS_MAX = 60_000;
/** Of the bundle's modules: ours that need no server, and the packages that it holds on purpose. */
const BUNDLED = /^(?:\.\.\/)+(?:src|spec\/src|packages\/client\/src)\/|^(?:\.\.\/)+(?:\.\.\/)?node_modules\/.*@trpc\//;
const PAGE = `<!doctype html><script type="module" src="/page.js"></script>`;
const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const sourceMapSchema = z.object({ sources: z.array(z.string()) });

export interface Target {
  readonly baseURL: string;
  readonly token: string;
}

/** What needs no server. @param folder where the package was installed alone */
export async function checkClientFiles(folder: string): Promise<void> {
  writeFileSync(path.join(folder, "consumer.ts"), CONSUMER);
  writeFileSync(path.join(folder, "mistakes.ts"), MISTAKES);
  // Without the types of Node.js: a browser's application has none.
  const options = "--noEmit --strict --module nodenext --target es2024 --lib es2024,dom,dom.iterable,dom.asynciterable";
  const { status } = spawnSync(`tsc ${options} --types "" consumer.ts mistakes.ts`, {
    cwd: folder,
    shell: true,
    stdio: "inherit",
  });
  if (status !== 0) throw new Error("the types of the packed client are not right");
  const { code } = await transform(CONSUMER, { loader: "ts", format: "esm", target: "es2022" });
  writeFileSync(path.join(folder, "consumer.js"), code);
  writeFileSync(path.join(folder, "main.js"), PROCESS_MAIN);
  writeFileSync(path.join(folder, "page.js"), PAGE_MAIN);
  writeFileSync(path.join(folder, "library.js"), LIBRARY_MAIN);
  checkSources(folder);
  await bundleForBrowsers(folder);
}

/** The bundle may hold no engine and nothing of the server: its source maps say what it was made of. */
function checkSources(folder: string): void {
  const dist = path.join(folder, "node_modules/@openai-compat/client/dist");
  const maps = globSync("*.map", { cwd: dist });
  const sources = maps.flatMap((name) => {
    const map: unknown = JSON.parse(readFileSync(path.join(dist, name), "utf8"));
    return sourceMapSchema.parse(map).sources;
  });
  if (sources.length === 0) throw new Error("the packed client has no source maps");
  const foreign = sources.filter((source) => !BUNDLED.test(source));
  if (foreign.length > 0) throw new Error(`the packed client holds ${foreign.join(", ")}`);
}

async function bundleForBrowsers(folder: string): Promise<void> {
  const { metafile } = await build({
    absWorkingDir: folder,
    entryPoints: ["page.js", "library.js"],
    outdir: "browser",
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    metafile: true,
    logLevel: "error",
  });
  const modules = Object.values(metafile.outputs).flatMap(({ imports }) => imports);
  const builtins = modules.filter(({ path: imported }) => imported.startsWith("node:"));
  if (builtins.length > 0) throw new Error(`the client for browsers imports ${builtins[0]?.path}`);
  const files = listLoadedFiles(metafile, "browser/library.js");
  const inputs = files.flatMap((file) => Object.keys(metafile.outputs[file]?.inputs ?? {}));
  const early = inputs.filter((input) => input.includes("node_modules/zod/"));
  if (early.length > 0) throw new Error(`the client loads zod before its first call: ${early[0]}`);
  const bytes = gzipSync(Buffer.concat(files.map((file) => readFileSync(path.join(folder, file)))), {
    level: 9,
  }).length;
  console.log(`The client for browsers has ${bytes} bytes (gzip), at most ${ENTRY_BYTES_MAX}.`);
  if (bytes > ENTRY_BYTES_MAX) throw new Error(`the client for browsers has ${bytes} bytes (gzip)`);
}

/** An output and all that it imports statically. */
function listLoadedFiles(metafile: Metafile, entry: string): readonly string[] {
  const loaded = new Set([entry]);
  for (const file of loaded) {
    for (const { path: imported, kind } of metafile.outputs[file]?.imports ?? []) {
      if (kind === "import-statement") loaded.add(imported);
    }
  }
  return [...loaded];
}

/** Runs the program wherever it can run. @param nodeExecutables by their names */
export async function runClient(
  folder: string,
  target: Target,
  nodeExecutables: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [name, executable] of Object.entries(nodeExecutables)) runProgram({ name, executable, folder }, target);
  const bun = install(folder, { name: "bun", pattern: "@oven/bun-*/bin/bun*" });
  if (bun !== null) runProgram({ name: "Bun", executable: bun, folder }, target);
  const deno = install(folder, { name: "deno", pattern: "@deno/*/deno*" });
  if (deno !== null) runProgram({ name: "Deno", executable: deno, folder, options: ["run", "--allow-all"] }, target);
  await runPage(folder, target);
}

interface Runtime {
  readonly name: string;
  readonly executable: string;
  readonly folder: string;
  readonly options?: readonly string[];
}

function runProgram({ name, executable, folder, options = [] }: Runtime, { baseURL, token }: Target): void {
  const output = execFileSync(executable, [...options, "main.js"], {
    cwd: folder,
    encoding: "utf8",
    timeout: RUN_MS_MAX,
    env: { ...process.env, BASE_URL: baseURL, TOKEN: token },
  });
  console.log(`${name}: ${output.trim()}`);
}

/** npm has the binaries in packages of their own. @returns null where it has none for this system */
function install(folder: string, { name, pattern }: { name: string; pattern: string }): string | null {
  const runtimes = path.join(folder, "..", `runtime-${name}`);
  mkdirSync(runtimes, { recursive: true });
  writeFileSync(path.join(runtimes, "package.json"), JSON.stringify({ private: true }));
  const command = `npm install --no-audit --no-fund --ignore-scripts ${name}`;
  const { status, stderr } = spawnSync(command, { cwd: runtimes, shell: true, encoding: "utf8" });
  const modules = path.join(runtimes, "node_modules");
  for (const executable of status === 0 ? globSync(pattern, { cwd: modules }) : []) {
    const file = path.join(modules, executable);
    if (spawnSync(file, ["--version"]).status === 0) return file;
  }
  console.log(`Skipped ${name}: npm has no binary that runs here. ${stderr.split("\n", 1)[0]}`);
  return null;
}

async function runPage(folder: string, target: Target): Promise<void> {
  const executablePath = BROWSERS.find((place) => existsSync(place));
  if (executablePath === undefined) {
    console.log("Skipped Chromium: it is not installed.");
    return;
  }
  const { chromium } = await import("playwright-core");
  const files = new Map<string, string>(
    globSync("*.js", { cwd: path.join(folder, "browser") }).map((name) => [
      `/${name}`,
      readFileSync(path.join(folder, "browser", name), "utf8"),
    ]),
  );
  const site = createServer((request, response) => {
    const script = files.get(request.url ?? "");
    response.setHeader("content-type", script === undefined ? "text/html" : "text/javascript");
    response.end(script ?? PAGE);
  });
  await new Promise<void>((resolve) => void site.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
    const { port } = site.address() as AddressInfo;
    const page = await browser.newPage();
    const hash = new URLSearchParams({ ...target });
    await page.goto(`http://127.0.0.1:${port}/#${hash.toString()}`);
    const outcome = String(await page.evaluate("globalThis.outcome"));
    if (outcome.startsWith("failed")) throw new Error(`in Chromium the client ${outcome}`);
    console.log(`Chromium: ${outcome}`);
  } finally {
    await browser.close();
    site.close();
  }
}
