import { defineConfig } from "vitest/config";

/** Of the Node.js that the workspace brings along; an older one fails for reasons that don't name it. */
const NODE_MAJOR_MIN = 24;

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  console.error(
    `The tests need Node.js ${NODE_MAJOR_MIN} and this is ${process.version}: run \`pnpm test\` or \`pnpm exec vitest\`, ` +
      "which use the workspace's own.",
  );
  process.exit(1);
}

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
