/** The subject: our server with the llama engine on the model under test, in this process alone. */

import { createLlamaEngine } from "@openai-compat/engines";
import { serveEngine } from "../local-server.ts";
import type { ChatSubjectOptions } from "./chat-subject.ts";

const options: ChatSubjectOptions = JSON.parse(process.env["BENCH_OPTIONS"] ?? "{}");
serveEngine(createLlamaEngine(options));
