/** The two baselines: no gateway at all, and the least that one in Node.js does. */

import { startWorker } from "../worker.ts";
import { findFreePort } from "./contender.ts";
import type { ContenderRecipe } from "./contender.ts";
import { awaitFirstAnswer } from "./first-answer.ts";

const NO_ACCOUNT = { apiKey: "none", model: "mock" };

export const directRecipe: ContenderRecipe = {
  name: "direct",
  async start(upstreamUrl) {
    return { target: { ...NO_ACCOUNT, baseUrl: upstreamUrl }, process: null, stop: async () => {} };
  },
};

export const bareRecipe: ContenderRecipe = {
  name: "bare",
  async start(upstreamUrl) {
    const port = await findFreePort();
    const worker = startWorker(new URL("bare-gateway-worker.ts", import.meta.url), {
      arguments: [String(port), upstreamUrl],
    });
    const target = { ...NO_ACCOUNT, baseUrl: `http://127.0.0.1:${port}/v1` };
    await awaitFirstAnswer(target);
    return { target, process: worker, stop: () => worker.stop() };
  },
};
