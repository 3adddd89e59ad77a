/** Our embedding types against those of the official SDK, in both directions. */
import type {
  CreateEmbeddingResponse as SdkResponse,
  Embedding as SdkEmbedding,
  EmbeddingCreateParams,
} from "openai/resources/embeddings";
import type { Assert, AssignableBut } from "../shared/type-check.ts";
import type { CreateEmbeddingRequest } from "./request.ts";
import type { CreateEmbeddingResponse, Embedding } from "./response.ts";

/** The SDK lists its own models beside "any string". */
type SdkRequest = Omit<EmbeddingCreateParams, "model"> & { model: string };

interface EmbeddingGaps {
  readonly embedding: "The SDK decodes base64 before it hands the answer out; on the wire it is a string.";
}
interface ResponseGaps {
  readonly data: "See EmbeddingGaps.";
}

export type Tests = [
  Assert<AssignableBut<{}, CreateEmbeddingRequest, SdkRequest>>,
  Assert<AssignableBut<{}, SdkRequest, CreateEmbeddingRequest>>,
  Assert<AssignableBut<{ [Key in keyof ResponseGaps]: ResponseGaps[Key] }, CreateEmbeddingResponse, SdkResponse>>,
  Assert<AssignableBut<{}, SdkResponse, CreateEmbeddingResponse>>,
  Assert<AssignableBut<{ [Key in keyof EmbeddingGaps]: EmbeddingGaps[Key] }, Embedding, SdkEmbedding>>,
  Assert<AssignableBut<{}, SdkEmbedding, Embedding>>,
];
