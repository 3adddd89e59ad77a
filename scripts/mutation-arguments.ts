/** Reads the arguments of `pnpm mutation`. */

import { parseArgs } from "node:util";

export interface MutationArguments {
  readonly packageName: MutatedPackage;
  /** Globs of the source files to mutate, relative to the package; the first ones include, those with `!` exclude. */
  readonly mutate: readonly string[];
  /** The score, in percent, below which the run fails. */
  readonly threshold: number;
  /** Processes that run tests side by side. */
  readonly workers: number;
  /** Whether results of the last run are used again for mutants whose file and tests have not changed. */
  readonly isIncremental: boolean;
}

/** Packages whose own tests are meant to kill every mutant, and what of their sources is made for tests only. */
const TEST_SUPPORT = {
  core: ["src/testing/**", "src/**/*-contract.ts", "src/store/credit-store-samples.ts"],
} as const;

type MutatedPackage = keyof typeof TEST_SUPPORT;

function isMutatedPackage(name: string): name is MutatedPackage {
  return Object.hasOwn(TEST_SUPPORT, name);
}

const DEFAULT_THRESHOLD = "85";
const DEFAULT_WORKERS = "2";

/**
 * @param words what follows the command: a package, then folders and files of it (default: all of `src`), and options
 * @throws Error for an unknown package or option, and for a number out of its range
 */
export function readMutationArguments(words: readonly string[]): MutationArguments {
  const { values, positionals } = parseArgs({
    // Package managers pass the `--` before the paths on.
    args: words.filter((word) => word !== "--"),
    allowPositionals: true,
    options: {
      threshold: { type: "string", default: DEFAULT_THRESHOLD },
      workers: { type: "string", default: DEFAULT_WORKERS },
      incremental: { type: "boolean", default: false },
    },
  });
  const [packageName = "", ...paths] = positionals;
  if (!isMutatedPackage(packageName)) {
    throw new Error(`Name a package: ${Object.keys(TEST_SUPPORT).join(", ")}. Usage: pnpm mutation core -- src/auth`);
  }
  const included = paths.length === 0 ? ["src"] : paths;
  return {
    packageName,
    mutate: [
      ...included.map((path) => (path.endsWith(".ts") ? path : `${path.replace(/\/$/, "")}/**/*.ts`)),
      ...["src/**/*.test.ts", ...TEST_SUPPORT[packageName]].map((glob) => `!${glob}`),
    ],
    threshold: readNumber("--threshold", values.threshold, 100),
    workers: readNumber("--workers", values.workers, 64),
    isIncremental: values.incremental,
  };
}

function readNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!(Number.isInteger(value) && value >= 1 && value <= max)) {
    throw new Error(`${name} is a whole number from 1 to ${max}, not ${text}.`);
  }
  return value;
}
