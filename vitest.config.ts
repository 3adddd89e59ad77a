import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/.stryker-tmp/**"],
    globalSetup: ["packages/server/src/testing/postgres-global-setup.ts"],
    typecheck: { enabled: false },
    // Ends tests that hang; generous, because the machine may be busy with other work.
    testTimeout: 120_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
