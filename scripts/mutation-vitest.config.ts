import { defineConfig } from "vitest/config";

/** For `pnpm mutation`: the tests of one package, in a copy of it. */
export default defineConfig({
  test: {
    include: ["src/**/*.test.ts"],
    // A test that waits for what a mutant prevents ends then.
    testTimeout: 8_000,
  },
});
