/** Sends texts for their vectors as the official SDK does: base64, on connections that stay open. */

import { Pool } from "undici";
import type { ServerTarget } from "../local-server.ts";

/** How texts are put into requests. */
export interface RequestShape {
  readonly textsPerRequest: number;
  /** Each sends its next request when it has the answer to its last. */
  readonly connections: number;
}

export interface EmbeddingClient {
  /** @returns how many vectors came. @throws Error on any answer but a complete one. */
  embed(texts: readonly string[], shape: RequestShape): Promise<number>;
  close(): Promise<void>;
}

export function openEmbeddingClient(target: ServerTarget, connectionsMax: number): EmbeddingClient {
  const { origin, pathname } = new URL(target.baseUrl);
  const pool = new Pool(origin, { connections: connectionsMax });
  const send = async (input: readonly string[]): Promise<number> => {
    const { statusCode, body } = await pool.request({
      path: `${pathname}/embeddings`,
      method: "POST",
      headers: { authorization: `Bearer ${target.apiKey}`, "content-type": "application/json" },
      body: JSON.stringify({ model: target.model, input, encoding_format: "base64" }),
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`embeddings were answered with ${statusCode}: ${text}`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own server's answer, checked by its own tests
    const { data } = JSON.parse(text) as { readonly data: readonly unknown[] };
    if (data.length !== input.length) throw new Error(`${input.length} texts got ${data.length} vectors`);
    return data.length;
  };
  return {
    async embed(texts, { textsPerRequest, connections }) {
      const requests = Array.from({ length: Math.ceil(texts.length / textsPerRequest) }, (_, index) =>
        texts.slice(index * textsPerRequest, (index + 1) * textsPerRequest),
      ).values();
      const received = Array.from({ length: connections }, async () => {
        let vectors = 0;
        for (const request of requests) vectors += await send(request);
        return vectors;
      });
      return (await Promise.all(received)).reduce((sum, vectors) => sum + vectors, 0);
    },
    close: () => pool.close(),
  };
}
