/**
 * Puts small defects into a package, one at a time, and says which of them its own tests do not notice: the score and
 * the survivors, each with its file, its line and the change. It works on a copy and fails below the threshold.
 */

import path from "node:path";
import { fileURLToPath } from "node:url";
import { Stryker } from "@stryker-mutator/core";
import { readMutationArguments } from "./mutation-arguments.ts";
import type { MutationArguments } from "./mutation-arguments.ts";

const root = path.dirname(import.meta.dirname);
const WORK_FOLDER = ".stryker-tmp";

function readArguments(): MutationArguments | null {
  try {
    return readMutationArguments(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return null;
  }
}

async function runMutants({ packageName, mutate, threshold, workers, isIncremental }: MutationArguments) {
  // The copy that is mutated has this folder as its root.
  process.chdir(path.join(root, "packages", packageName));
  const stryker = new Stryker({
    mutate: [...mutate],
    testRunner: "vitest",
    // Stryker itself looks for plugins in a folder that pnpm doesn't put them into.
    plugins: [fileURLToPath(import.meta.resolve("@stryker-mutator/vitest-runner"))],
    vitest: { configFile: path.join(import.meta.dirname, "mutation-vitest.config.ts"), related: false },
    concurrency: workers,
    // The copy finds the package's own `tsconfig.json` above it.
    ignorePatterns: ["tsconfig.json", WORK_FOLDER],
    tempDirName: `${WORK_FOLDER}/copies`,
    cleanTempDir: "always",
    incremental: isIncremental,
    incrementalFile: `${WORK_FOLDER}/incremental.json`,
    // A mutant that hangs is killed too; generous, because the machine may be busy with other work.
    timeoutMS: 10_000,
    // Constants are mutated as well, although each of theirs runs all tests that load the file.
    warnings: { slow: false, unknownOptions: true, preprocessorErrors: true, unserializableOptions: true },
    thresholds: { high: threshold, low: threshold, break: threshold },
    reporters: ["progress", "clear-text"],
    clearTextReporter: { logTests: false, reportTests: false, allowEmojis: false },
  });
  await stryker.runMutationTest();
}

const options = readArguments();
if (options === null) process.exitCode = 2;
else await runMutants(options);
