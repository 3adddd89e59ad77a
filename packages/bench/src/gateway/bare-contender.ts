/** The two baselines: no gateway at all, and the least that one in Node.js does. */

import { findFreePort, startGateway } from "./contender.ts";
import type { ContenderRecipe } from "./contender.ts";

const NO_ACCOUNT = { apiKey: "none", model: "mock" };

export const directRecipe: ContenderRecipe = {
  name: "direct",
  async start(upstreamUrl) {
    const target = { ...NO_ACCOUNT, baseUrl: upstreamUrl };
    return { target, process: null, startTimeMs: 0, stop: async () => {} };
  },
};

export const bareRecipe: ContenderRecipe = {
  name: "bare",
  async start(upstreamUrl) {
    const port = await findFreePort();
    const target = { ...NO_ACCOUNT, baseUrl: `http://127.0.0.1:${port}/v1` };
    const module = new URL("bare-gateway-worker.ts", import.meta.url);
    return startGateway(target, module, { arguments: [String(port), upstreamUrl] });
  },
};
