/**
 * Runs the whole test suite and ends with one line, alone, that tools and people can read:
 * `N passed, N failed, N skipped`. Arguments go to vitest as they are (`pnpm test packages/core -t "a title"`).
 */

import { parseCLI, startVitest } from "vitest/node";
import type { Vitest } from "vitest/node";

interface TestCounts {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Counts what a run proved. A file that can't be loaded, a suite whose hook throws and an error outside of any test
 * each count as one failed test: they have no test case of their own to carry them.
 */
function countTests({ state }: Vitest): TestCounts {
  const counts: TestCounts = { passed: 0, failed: state.getUnhandledErrors().length, skipped: 0 };
  for (const testModule of state.getTestModules()) {
    for (const suite of [testModule, ...testModule.children.allSuites()]) {
      if (suite.errors().length > 0) counts.failed += 1;
    }
    for (const testCase of testModule.children.allTests()) {
      const result = testCase.result().state;
      if (result === "passed") counts.passed += 1;
      else if (result === "failed") counts.failed += 1;
      else counts.skipped += 1;
    }
  }
  return counts;
}

const passedOn = process.argv.slice(2).filter((argument, index) => !(index === 0 && argument === "--"));
const { filter, options } = parseCLI(["vitest", "run", ...passedOn]);
const vitest = await startVitest(filter, { ...options, watch: false });
const counts = countTests(vitest);
await vitest.close();

const ranNothing = counts.passed + counts.failed === 0;
if (ranNothing) console.error("No test ran: a run that proves nothing is a failed run.");
process.exitCode = counts.failed > 0 || ranNothing ? 1 : 0;
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
