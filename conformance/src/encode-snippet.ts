/** A recorded request as a program that sends it through the official SDK. Credentials become variables. */

import { describeAuthorization } from "./encode-curl.ts";
import type { Exchange, RecordedRequest } from "./exchange.ts";
import { isJsonObject, type JsonObject } from "./json-object.ts";
import type { Target } from "./target.ts";

/** Characters of a body: a longer one is no reading matter. */
const BODY_LENGTH_MAX = 4000;

/** What the SDK calls an operation; of others the path is called by its methods for any request. */
const METHODS: Readonly<Record<string, string>> = {
  "GET /models": "models.list",
  "POST /chat/completions": "chat.completions.create",
  "POST /completions": "completions.create",
  "POST /embeddings": "embeddings.create",
  "POST /audio/speech": "audio.speech.create",
  "POST /responses": "responses.create",
  "POST /conversations": "conversations.create",
};

/** Headers that the SDK sends by itself, or that belong to the connection. */
const OWN_HEADERS =
  /^(?:x-stainless-.*|user-agent|accept|accept-language|accept-encoding|authorization|connection|content-length|content-type|host|sec-fetch-mode)$/;

/**
 * @returns null where the SDK can't send this: a body that is no JSON object, no key or another scheme, another place,
 *   an upgrade. The text still needs `redact`.
 */
export function encodeSnippet(
  { request, messages }: Exchange,
  target: Pick<Target, "baseUrl" | "keys">,
): string | null {
  const path = readPath(request, target.baseUrl);
  const variable = readVariable(request, target.keys);
  const body = readBody(request);
  if (path === null || variable === null || body === undefined || messages !== undefined) return null;
  if (request.httpVersion !== undefined) return null;
  const call = encodeCall(request.method, path, body);
  if (call === null) return null;
  const headers = Object.entries(request.headers).filter(([name]) => !OWN_HEADERS.test(name));
  const options = [
    `baseURL: ${JSON.stringify(target.baseUrl)}`,
    `apiKey: process.env.${variable}`,
    "maxRetries: 0",
    ...(headers.length === 0 ? [] : [`defaultHeaders: ${JSON.stringify(Object.fromEntries(headers))}`]),
  ];
  return [`import OpenAI from "openai";`, "", `const client = new OpenAI({ ${options.join(", ")} });`, call, ""].join(
    "\n",
  );
}

function readPath({ url, headers }: RecordedRequest, baseUrl: string): string | null {
  if (headers["upgrade"] !== undefined || !url.startsWith(`${baseUrl}/`)) return null;
  return url.slice(baseUrl.length);
}

function readVariable({ headers }: RecordedRequest, keys: Target["keys"]): string | null {
  const { authorization } = headers;
  if (authorization === undefined) return null;
  return /^Bearer \$(\w+)$/.exec(describeAuthorization(authorization, keys))?.[1] ?? null;
}

/** Undefined for one that the SDK can't send as it was sent. */
function readBody({ body, headers }: RecordedRequest): JsonObject | null | undefined {
  if (body === null || body === "") return null;
  if (typeof body !== "string" || body.length > BODY_LENGTH_MAX) return undefined;
  if (headers["content-type"]?.startsWith("application/json") !== true) return undefined;
  try {
    const value: unknown = JSON.parse(body);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function encodeCall(method: string, path: string, body: JsonObject | null): string | null {
  const name = METHODS[`${method} ${path}`];
  const data = body === null ? "" : JSON.stringify(body, null, 2);
  const isStream = body?.["stream"] === true;
  if (name !== undefined) {
    return isStream
      ? `const stream = await client.${name}(${data});\nfor await (const event of stream) console.log(JSON.stringify(event));`
      : `console.log(await client.${name}(${data}));`;
  }
  if (!["GET", "POST", "DELETE"].includes(method) || isStream) return null;
  const options = body === null ? "" : `, { body: ${data} }`;
  return `console.log(await client.${method.toLowerCase()}(${JSON.stringify(path)}${options}));`;
}
