/** A listening server with a scripted model of each type, for tests of other packages. */

import { SCRIPTED_ENGINES } from "@openai-compat/engines";
import { MODEL_TYPES } from "@openai-compat/core";
import { startTestServer } from "./test-server.ts";
import type { TestServerOptions } from "./test-server.ts";

/** Its models are called `scripted-chat`, `scripted-embedding` and so on. Close it when the test ends. */
export function startScriptedServer(options: Omit<TestServerOptions, "engine" | "models"> = {}) {
  const models = MODEL_TYPES.map((type) => ({
    id: `scripted-${type}`,
    type,
    engine: SCRIPTED_ENGINES[type](),
    isDefault: true,
  }));
  return startTestServer({ ...options, models });
}
