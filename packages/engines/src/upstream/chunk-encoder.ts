/**
 * Chunks as they are sent: id, object, time and model are the same in all of an answer, and usage stands in none of
 * them.
 */

import type { ChunkOperationId, UpstreamRequest } from "@openai-compat/core";
import type { JsonRecord } from "./json-value.ts";
import { CHUNK_OBJECTS, createAnswerId, isFilledText, normaliseCreated } from "./normalise-fields.ts";

export interface ChunkEncoder {
  /**
   * @param value a chunk as the upstream sent it, but for its choices; empty for one that it left out. It is changed
   */
  encode(value: JsonRecord, choices: readonly JsonRecord[]): string;
  /** The chunk that ends a stream whose usage was requested. */
  encodeUsage(usage: JsonRecord): string;
}

export function createChunkEncoder(request: UpstreamRequest, operation: ChunkOperationId): ChunkEncoder {
  const base: JsonRecord = { id: "", object: CHUNK_OBJECTS[operation], created: -1, model: request.modelId };

  /** What the first chunk says. */
  function setBase(value: JsonRecord): void {
    if (base["id"] === "") base["id"] = isFilledText(value["id"]) ? value["id"] : createAnswerId(operation);
    if (base["created"] === -1) base["created"] = normaliseCreated(value["created"]);
  }

  return {
    encode(value, choices) {
      setBase(value);
      Object.assign(value, base);
      value["choices"] = choices;
      // Usage has a chunk of its own, at the end; the others say null where it was requested, and nothing where not.
      if (request.includeUsage) value["usage"] = null;
      else delete value["usage"];
      return JSON.stringify(value);
    },
    encodeUsage(usage) {
      setBase({});
      return JSON.stringify({ ...base, choices: [], usage });
    },
  };
}
