/**
 * Proves what npm users get: packs each published package, installs the tarball alone in an empty folder outside of the
 * repository, and runs it there on the Node.js that the first argument names, by default the oldest promised one. There
 * the server has to fetch itself a newer one; the suite has to pass against that server and to have pulled no engine. A model
 * of the native library has to answer too.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { checkClientFiles, runClient } from "./check-client-pack.ts";
import { checkNativeModel } from "./check-native-model.ts";
import { startLocalServer } from "./local-server.ts";
import { PUBLISHED_PACKAGES, type PublishedPackage, REPOSITORY } from "./published-packages.ts";

/** The Node.js to run on: the first argument, or the oldest that the packages promise. */
const NODE_PACKAGE = `node@${Number(process.argv[2] ?? 20)}`;
const READY_TIME_MS_MAX = 300_000;
/** Of native engines, none may come with either package: they are optional and big. */
const ENGINE = /llama|onnx|whisper|sherpa/;

const targetSchema = z.object({ base_url: z.string(), keys: z.object({ full: z.string() }) });
const lockSchema = z.object({ packages: z.record(z.string(), z.unknown()) });

const work = realpathSync(mkdtempSync(path.join(tmpdir(), "check-pack-")));

/** Runs a constant command line through the shell, which finds npm and pnpm on every platform. */
function run(command: string, folder: string): string {
  console.log(`$ ${command}`);
  const { status, stdout } = spawnSync(command, {
    cwd: folder,
    shell: true,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status === 0) return stdout;
  throw new Error(`${command} ended with ${status}:\n${stdout}`);
}

function install(published: PublishedPackage): string {
  const folder = path.join(work, path.basename(published.folder));
  mkdirSync(folder);
  run(`npx -y pnpm@12 pack --pack-destination ${JSON.stringify(folder)}`, path.join(REPOSITORY, published.folder));
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new Error(`${published.name} was packed into no tarball`);
  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ type: "module", private: true }));
  run(`npm install --no-audit --no-fund ./${tarball}`, folder);
  return folder;
}

function expectNothingOf(folder: string, unwanted: RegExp): void {
  const lock: unknown = JSON.parse(readFileSync(path.join(folder, "package-lock.json"), "utf8"));
  const installed = Object.keys(lockSchema.parse(lock).packages).filter((name) => name !== "");
  console.log(`${installed.length} packages installed`);
  const found = installed.filter((name) => unwanted.test(name));
  if (found.length > 0) throw new Error(`${folder} holds ${found.join(", ")}`);
}

/** Type-checks a program that imports the package by name, library types included. */
function checkTypes(folder: string, source: string): void {
  writeFileSync(path.join(folder, "consumer.ts"), source);
  const options = "--noEmit --strict --module nodenext --target es2024 --types node";
  const typeRoots = JSON.stringify(path.join(REPOSITORY, "node_modules/@types"));
  run(`tsc ${options} --typeRoots ${typeRoots} consumer.ts`, folder);
}

function findNode(name: string): string {
  const executable = run(`npx -y -p ${name} node -p process.execPath`, work).trim();
  console.log(`${name} is ${execFileSync(executable, ["--version"], { encoding: "utf8" }).trim()}`);
  return executable;
}

function executableOf(folder: string, name: string): string {
  const published = PUBLISHED_PACKAGES.find((candidate) => name in candidate.entries);
  return path.join(folder, "node_modules", published?.name ?? "", "dist", `${name}.js`);
}

async function judge(
  nodeExecutable: string,
  folders: { server: string; suite: string; client: string },
): Promise<void> {
  const server = await startLocalServer({
    command: nodeExecutable,
    arguments: [executableOf(folders.server, "openai-compat"), "serve"],
    engines: "scripted",
    readyTimeMsMax: READY_TIME_MS_MAX,
    logFile: path.join(work, "server.log"),
  });
  try {
    console.log(server.summary);
    const { base_url: baseURL, keys } = targetSchema.parse(JSON.parse(readFileSync(server.targetFile, "utf8")));
    await runClient(
      folders.client,
      { baseURL, token: keys.full },
      { [NODE_PACKAGE]: nodeExecutable, [process.version]: process.execPath },
    );
    const suite = executableOf(folders.suite, "openai-conformance");
    const runSuite = (...words: readonly string[]) =>
      execFileSync(nodeExecutable, [suite, "run", "--target", server.targetFile, ...words], {
        cwd: folders.suite,
        stdio: "inherit",
      });
    runSuite();
    // The majors that the bundle holds itself.
    for (const major of ["5", "6"]) runSuite("--sdk", major, "--only", "chat.stream", "--reporter", "pretty");
  } finally {
    await server.stop();
  }
}

try {
  const [server, suite, client] = PUBLISHED_PACKAGES.map((published) => install(published));
  if (server === undefined || suite === undefined || client === undefined) {
    throw new Error("three packages are published");
  }
  expectNothingOf(server, ENGINE);
  expectNothingOf(suite, new RegExp(`${ENGINE.source}|hono|@openai-compat/server`));
  expectNothingOf(client, new RegExp(`${ENGINE.source}|hono|trpc|typescript|@openai-compat/server`));
  checkTypes(server, `import { createServer } from "@openai-compat/server"; export const create = createServer;`);
  checkTypes(
    suite,
    `import { allChecks, type Check } from "@openai-compat/conformance"; export const c: readonly Check[] = allChecks;`,
  );
  await checkClientFiles(client);
  run("npx @openai-compat/conformance list --only chat", suite);
  run("npx @openai-compat/server --help", server);
  const nodeExecutable = findNode(NODE_PACKAGE);
  await judge(nodeExecutable, { server, suite, client });
  await checkNativeModel({ nodeExecutable, folder: server, executable: executableOf(server, "openai-compat") });
  console.log("All packages install alone and work.");
} finally {
  rmSync(work, { recursive: true, force: true });
}
