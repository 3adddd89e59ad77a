/**
 * One PostgreSQL for a whole test run, started when the first test file asks for it: vitest loads this file in the
 * process that outlives them all, and they ask over HTTP.
 */

import { once } from "node:events";
import { createServer } from "node:http";
import type { TestProject } from "vitest/node";
import { findObstacle, startPostgresServer } from "./postgres-server.ts";
import type { PostgresServer } from "./postgres-server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Answers with a `PostgresOffer`. */
    readonly postgresBrokerUrl: string;
  }
}

/** `isEphemeral`: it ends with the run, so it needs no cleanup. */
export type PostgresOffer = { readonly url: string; readonly isEphemeral: boolean } | { readonly missing: string };

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  let started: Promise<PostgresServer> | null = null;

  async function offer(): Promise<PostgresOffer> {
    const existing = process.env["OPENAI_COMPAT_TEST_POSTGRES_URL"];
    if (existing !== undefined && existing !== "") return { url: existing, isEphemeral: false };
    const obstacle = findObstacle();
    if (obstacle !== null) return { missing: obstacle };
    started ??= startPostgresServer();
    return { url: (await started).url, isEphemeral: true };
  }

  const broker = createServer((_request, response) => {
    offer().then(
      (answer) => response.end(JSON.stringify(answer)),
      (thrown: unknown) => response.writeHead(500).end(String(thrown)),
    );
  }).listen(0, "127.0.0.1");
  await once(broker, "listening");
  const address = broker.address();
  if (address === null || typeof address === "string") throw new Error("the broker listens on no port");
  project.provide("postgresBrokerUrl", `http://127.0.0.1:${address.port}`);

  return async () => {
    broker.closeAllConnections();
    broker.close();
    const server = await started;
    await server?.stop();
  };
}
