/**
 * The message for a path that this server does not have: that OpenAI or another server has it, and what to use here
 * instead. It depends on the path alone, never on the caller.
 */

import { listHttpOperations, operations } from "@openai-compat/spec";
import type { HttpOperation } from "@openai-compat/spec";
import { DOCUMENTED_OPERATIONS } from "./documented-operations.ts";
import { API_MOUNTS, API_ROOT } from "./protocol/request-path.ts";

/** Paths with all that is below them, and what to use instead, where there is something. `$` stands for the mount. */
interface Family {
  readonly paths: readonly string[];
  readonly instead: string | null;
}

/**
 * Below a mount. All of OpenAI's document that is not served, by the beginnings of its paths, and those of its
 * operations that were withdrawn.
 *
 * @see https://github.com/openai/openai-openapi
 */
const OPENAI_FAMILIES: readonly Family[] = [
  {
    paths: ["/assistants", "/threads", "/chatkit"],
    instead: "send the messages so far to POST $/chat/completions",
  },
  { paths: ["/batches"], instead: "send the calls one by one, several at a time" },
  {
    paths: ["/realtime/sessions", "/realtime/transcription_sessions"],
    instead: "they are of the beta: use POST $/realtime/client_secrets",
  },
  { paths: ["/realtime"], instead: "open a session by a WebSocket at $/realtime" },
  {
    paths: ["/audio/voices", "/audio/voice_consents"],
    instead: "the voices of POST $/audio/speech are those of its model",
  },
  { paths: ["/vector_stores"], instead: "keep the vectors of POST $/embeddings yourself" },
  { paths: ["/engines", "/edits"], instead: "use GET $/models and POST $/completions" },
  { paths: ["/organization", "/projects"], instead: "accounts and keys are managed on its command line" },
  {
    paths: [
      "/containers",
      "/content_provenance_checks",
      "/evals",
      "/files",
      "/fine-tunes",
      "/fine_tuning",
      "/images",
      "/moderations",
      "/skills",
      "/uploads",
      "/videos",
    ],
    instead: null,
  },
];

interface Dialect {
  readonly name: string;
  /** Below the root, the mount included. */
  readonly paths: readonly string[];
  readonly instead: string;
}

/** What clients of other servers ask for first. */
const DIALECTS: readonly Dialect[] = [
  { name: "Ollama's", paths: ["/api/chat"], instead: "use POST $/chat/completions" },
  { name: "Ollama's", paths: ["/api/generate"], instead: "use POST $/completions" },
  { name: "Ollama's", paths: ["/api/embed", "/api/embeddings"], instead: "use POST $/embeddings" },
  { name: "Ollama's", paths: ["/api/tags", "/api/show", "/api/ps"], instead: "use GET $/models" },
  { name: "Ollama's", paths: ["/api/version"], instead: "GET /openapi.json describes this server" },
  {
    name: "Ollama's",
    paths: ["/api/pull", "/api/push", "/api/create", "/api/copy", "/api/delete", "/api/blobs"],
    instead: "models are chosen in the server's settings, and listed by GET $/models",
  },
  { name: "Anthropic's", paths: ["/v1/messages", "/v1/complete"], instead: "use POST $/chat/completions" },
  { name: "Gemini's", paths: ["/v1beta"], instead: "use POST $/chat/completions" },
  {
    name: "a reranker's",
    paths: ["/v1/rerank", "/v2/rerank", "/rerank", "/v1/score", "/score"],
    instead: "use POST $/embeddings",
  },
  {
    name: "another server's",
    paths: ["/health", "/live", "/livez", "/liveness", "/ping", "/status", "/ready", "/readiness", "/v1/health"],
    instead: "use GET /healthz or GET /readyz",
  },
  {
    name: "another server's",
    paths: ["/version", "/info", "/props", "/slots", "/v1/version"],
    instead: "GET /openapi.json describes this server and GET /metrics its load",
  },
  {
    name: "another server's",
    paths: ["/completion", "/infill", "/generate", "/generate_stream"],
    instead: "use POST $/completions",
  },
  { name: "another server's", paths: ["/embed", "/embedding", "/embed_all"], instead: "use POST $/embeddings" },
  {
    name: "another server's",
    paths: ["/tokenize", "/detokenize", "/v1/tokenize", "/v1/detokenize", "/apply-template"],
    instead: "`usage` in an answer counts tokens",
  },
];

const SERVED: readonly Pick<HttpOperation, "method" | "path">[] = listHttpOperations(operations);

export interface UnservedRequest {
  readonly method: string;
  /** As it was sent, without its query. */
  readonly sentPath: string;
  /** Normalised, with its mount as `/v1`. */
  readonly path: string;
}

/** A sentence that names the operation and says what the server has instead, and never that there is nothing of the kind. */
export function describeUnserved(request: UnservedRequest): string {
  const { method, sentPath, path } = request;
  const isBelowMount = isBelow(path, [API_ROOT]);
  const mount = isBelowMount ? (findMount(sentPath) ?? API_ROOT) : null;
  const write = (text: string) => text.replaceAll("$", mount ?? API_ROOT);
  const dialect = DIALECTS.find(({ paths }) => isBelow(path, paths));
  if (dialect !== undefined) {
    return `${method} ${sentPath} is ${dialect.name} API, which this server does not have; ${write(dialect.instead)}.`;
  }
  const rest = path.slice(API_ROOT.length);
  const operation = mount === null ? null : findDocumentedOperation(method, path);
  const family = mount === null ? undefined : OPENAI_FAMILIES.find(({ paths }) => isBelow(rest, paths));
  if (family !== undefined) {
    const instead = family.instead === null ? "" : `; ${write(family.instead)}`;
    const named = operation === null ? "" : ` (${operation})`;
    return `${method} ${sentPath}${named} is not implemented by this server${instead}.`;
  }
  if (operation !== null) return `${method} ${sentPath} (${operation}) is not implemented by this server.`;
  return `Unknown request URL: ${method} ${sentPath}. ${write(suggest(path, mount))}`;
}

const DOCUMENTED = DOCUMENTED_OPERATIONS.map(([method, path, id]) => {
  const pattern = path.replace("{model}", ".+").replaceAll(/\{\w+\}/g, "[^/]+");
  return { method, id, pattern: new RegExp(`^${API_ROOT}${pattern}$`) };
});

/** The id of the operation that OpenAI's document has there; null for none. @param path normalised */
export function findDocumentedOperation(method: string, path: string): string | null {
  return DOCUMENTED.find((operation) => operation.method === method && operation.pattern.test(path))?.id ?? null;
}

function suggest(path: string, mount: string | null): string {
  // A base URL without `/v1`, with two of them, or with the prefix of another server.
  const meant = SERVED.find((served) => !served.path.includes("{") && path.endsWith(served.path));
  if (meant !== undefined) return `This server has ${meant.method} $${meant.path}: end the base URL in $, once.`;
  const list = SERVED.map((served) => `${served.method} $${served.path}`).join(", ");
  return mount === null
    ? `The API is below ${API_ROOT}; GET /docs describes it.`
    : `This server has ${list}; GET /docs describes them.`;
}

function isBelow(path: string, families: readonly string[]): boolean {
  return families.some((family) => path === family || path.startsWith(`${family}/`));
}

/** As it was sent; null outside of the API. */
function findMount(sentPath: string): string | null {
  const path = sentPath.replaceAll(/\/{2,}/g, "/");
  return API_MOUNTS.find((mount) => path === mount || path.startsWith(`${mount}/`)) ?? null;
}
