/**
 * Starts two ephemeral servers, the second as the upstream of the first, and hands out the first: what is run against
 * it sees our server as a gateway.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { startLocalServer, type LocalServer, type LocalServerOptions } from "./local-server.ts";

/** What of the second server's recipe the first one needs. */
const recipeSchema = z.object({
  base_url: z.string(),
  keys: z.object({ full: z.string() }),
  models: z.object({ chat: z.string(), embedding: z.string(), transcription: z.string() }),
});

/** No word of the second server's, so that a name that comes through shows. */
const MODEL_ID = "elsewhere";

export interface LocalGatewayOptions extends Omit<LocalServerOptions, "engines"> {
  /** How the first server has responses made: as chat completions of the second one, or as its responses. */
  readonly responses: "bridge" | "native";
}

/** @throws Error as `startLocalServer`; nothing is left running then. */
export async function startLocalGateway({ responses, ...options }: LocalGatewayOptions): Promise<LocalServer> {
  const folder = mkdtempSync(path.join(tmpdir(), "openai-compat-gateway-"));
  const servers: LocalServer[] = [];
  const stop = async (): Promise<void> => {
    for (const server of servers.splice(0).toReversed()) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const upstream = await startLocalServer({ ...options, engines: "scripted" });
    servers.push(upstream);
    const config = path.join(folder, "config.json");
    // It holds the key of the upstream.
    writeFileSync(config, JSON.stringify(configureGateway(upstream.targetFile, responses)), { mode: 0o600 });
    const gateway = await startLocalServer({
      ...options,
      arguments: [...options.arguments, "--config", config],
      engines: "scripted",
    });
    servers.push(gateway);
    return { ...gateway, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configureGateway(targetFile: string, responses: LocalGatewayOptions["responses"]): object {
  const recipe = recipeSchema.parse(JSON.parse(readFileSync(targetFile, "utf8")));
  const connect = (model: string) => ({
    kind: "upstream",
    baseUrls: [recipe.base_url],
    model,
    apiKey: recipe.keys.full,
  });
  return {
    models: [
      { id: MODEL_ID, default: true, engine: { ...connect(recipe.models.chat), responses } },
      { id: `${MODEL_ID}-embedding`, type: "embedding", engine: connect(recipe.models.embedding) },
      {
        id: `${MODEL_ID}-transcription`,
        type: "transcription",
        default: true,
        engine: connect(recipe.models.transcription),
      },
    ],
  };
}
