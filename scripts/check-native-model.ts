/**
 * Proves that the packed server starts the process of a native model: it serves a model that is made here, with the library of
 * the workspace, which the package leaves to its users to install.
 */

import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { startLocalServer } from "./local-server.ts";
import { REPOSITORY } from "./published-packages.ts";

const NATIVE_LIBRARY = "node-llama-cpp";
/** The file that the process of a model runs. */
const CHILD = "native-child.js";
const READY_TIME_MS_MAX = 60_000;

const targetSchema = z.object({ base_url: z.string(), keys: z.object({ full: z.string() }) });

export interface PackedServer {
  readonly nodeExecutable: string;
  /** Where the package was installed. */
  readonly folder: string;
  readonly executable: string;
}

/** @throws Error where the model does not answer, or its process outlives the server */
export async function checkNativeModel({ nodeExecutable, folder, executable }: PackedServer): Promise<void> {
  symlinkSync(
    path.join(REPOSITORY, "packages/engines/node_modules", NATIVE_LIBRARY),
    path.join(folder, "node_modules", NATIVE_LIBRARY),
    "junction",
  );
  const modelFile = path.join(folder, "random.gguf");
  writeModel(modelFile);
  const server = await startLocalServer({
    command: nodeExecutable,
    arguments: [executable, "serve", "--model", modelFile],
    engines: "small",
    readyTimeMsMax: READY_TIME_MS_MAX,
    logFile: path.join(folder, "native.log"),
  });
  try {
    const { base_url: baseUrl, keys } = targetSchema.parse(JSON.parse(readFileSync(server.targetFile, "utf8")));
    const response = await fetch(`${baseUrl}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${keys.full}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "random", messages: [{ role: "user", content: "Hello" }], max_tokens: 8 }),
    });
    const body = await response.text();
    if (response.status !== 200) throw new Error(`the packed server answers with ${response.status}: ${body}`);
    console.log(`A native model answers in its own process: ${listProcesses(folder).length} of ${CHILD}.`);
  } finally {
    await server.stop();
  }
  const left = listProcesses(folder);
  if (left.length > 0) throw new Error(`processes outlived the packed server: ${left.join(", ")}`);
}

/** In a process of its own: scripts import no package. */
function writeModel(file: string): void {
  const module = pathToFileURL(path.join(REPOSITORY, "packages/engines/src/llama/testing/index.ts")).href;
  const program = `import { writeRandomModel } from ${JSON.stringify(module)}; await writeRandomModel(process.argv[1]);`;
  execFileSync(process.execPath, ["--input-type=module", "--eval", program, file], { stdio: "inherit" });
}

/** Where the system tells it, the processes that run the package's child. */
function listProcesses(folder: string): readonly string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      return words.includes(folder) && words.includes(CHILD);
    } catch {
      // It ended meanwhile.
      return false;
    }
  });
}
