/** Beside the subject: our server with the same encoder on ONNX Runtime, in this process alone. */

import { createOnnxEmbeddingEngine } from "@openai-compat/engines";
import { serveEngine } from "../local-server.ts";
import type { EmbeddingSubjectOptions } from "./embedding-subject.ts";

const options: EmbeddingSubjectOptions = JSON.parse(process.env["BENCH_OPTIONS"] ?? "{}");
serveEngine(createOnnxEmbeddingEngine(options));
