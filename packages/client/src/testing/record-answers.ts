/**
 * Records what a foreign server answers, for `foreign-servers.test.ts`: `node record-answers.ts <base URL> <model> <file>`.
 * It writes what came, unchanged. How the recorded servers were started:
 *
 * - llama.cpp: `pip install xllamacpp==2026.10.11549` (MIT), then in Python
 *   `p = xllamacpp.CommonParams(); p.model.path = "SmolLM2-135M-Instruct.Q8_0.gguf"; p.port = 18331; p.n_parallel = 1;
 *   p.model_alias = {"smollm2"}; server = xllamacpp.Server(p)`. Model: SmolLM2 (Apache-2.0).
 * - fakellm: `pip install fakellm==0.3.5` (MIT), then `fakellm init && fakellm serve --port 18332`. Model: `gpt-4o`.
 */

import { writeFileSync } from "node:fs";

export interface RecordedAnswer {
  readonly method: string;
  /** Below the base URL. */
  readonly path: string;
  /** Null where the request has none. */
  readonly body: Readonly<Record<string, unknown>> | null;
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** Each exchange ends within it. */
const TIME_MS_MAX = 60_000;

function listRequests(model: string): readonly Pick<RecordedAnswer, "method" | "path" | "body">[] {
  const chat = { model, messages: [{ role: "user", content: "hello" }], max_tokens: 6, seed: 1 };
  const post = (path: string, body: RecordedAnswer["body"]) => ({ method: "POST", path, body });
  return [
    { method: "GET", path: "/models", body: null },
    post("/chat/completions", chat),
    post("/chat/completions", { ...chat, stream: true, stream_options: { include_usage: true } }),
    post("/completions", { model, prompt: "hello", max_tokens: 3, seed: 1 }),
    post("/chat/completions", { model }),
  ];
}

async function record(baseUrl: string, model: string): Promise<readonly RecordedAnswer[]> {
  const recorded: RecordedAnswer[] = [];
  for (const request of listRequests(model)) {
    const response = await fetch(baseUrl + request.path, {
      method: request.method,
      headers: { "content-type": "application/json" },
      body: request.body === null ? null : JSON.stringify(request.body),
      signal: AbortSignal.timeout(TIME_MS_MAX),
    });
    const contentType = response.headers.get("content-type") ?? "";
    recorded.push({ ...request, status: response.status, contentType, text: await response.text() });
  }
  return recorded;
}

const [baseUrl, model, file] = process.argv.slice(2);
if (baseUrl === undefined || model === undefined || file === undefined) {
  throw new Error("usage: record-answers <base URL> <model> <file>");
}
writeFileSync(file, `${JSON.stringify(await record(baseUrl, model), null, 2)}\n`);
