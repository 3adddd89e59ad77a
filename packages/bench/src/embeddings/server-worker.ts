/** The subject: our server with the embedding engine on the model under test, in this process alone. */

import { createLlamaEmbeddingEngine } from "@openai-compat/engines";
import { serveEngine } from "../local-server.ts";
import type { EmbeddingSubjectOptions } from "./embedding-subject.ts";

const options: EmbeddingSubjectOptions = JSON.parse(process.env["BENCH_OPTIONS"] ?? "{}");
serveEngine(createLlamaEmbeddingEngine(options));
