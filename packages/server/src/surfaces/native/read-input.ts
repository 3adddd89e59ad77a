/** Reads the inputs of a request's calls, within the bounds of every JSON body: of the query of a GET, else of the body. */

import { AiError, isRecord } from "@openai-compat/core";
import type { BodyShare } from "../../http/body-budget.ts";
import { findJsonExcess } from "../../http/json-values.ts";
import { readJsonBody, readJsonBounds } from "../../http/read-body.ts";
import type { BodyLimits } from "../../http/read-body.ts";
import type { RequestScope } from "../../http/request-scope.ts";

export interface InputSource {
  readonly request: Request;
  readonly scope: RequestScope;
  readonly query: URLSearchParams;
  readonly isBatch: boolean;
  readonly limits: BodyLimits;
  readonly share: BodyShare;
  /** Called just before anything is read. @throws AiError */
  readonly onRead: () => void;
}

/** @returns what gives the input of each call; the request is read when the first is asked for. */
export function createInputReader(source: InputSource): (batchIndex: number) => Promise<unknown> {
  let reading: Promise<unknown> | null = null;
  return async (batchIndex) => {
    reading ??= readAll(source);
    const inputs = await reading;
    if (!source.isBatch || inputs === undefined) return inputs;
    if (isRecord(inputs)) return inputs[String(batchIndex)];
    throw new AiError("invalid_type", 'The inputs of a batch have to be a JSON object: { "0": …, "1": … }.');
  };
}

async function readAll({ request, scope, query, limits, share, onRead }: InputSource): Promise<unknown> {
  onRead();
  if (request.method === "GET") return parseQuery(query.get("input"), limits);
  if (!hasBody(request, scope)) return undefined;
  const { headers, body, controller, requestBody } = scope;
  const reading = { headers, source: body, signal: controller.signal, onRead: requestBody, share };
  return (await readJsonBody(request, limits, reading)).value;
}

function parseQuery(text: string | null, limits: BodyLimits): unknown {
  if (text === null || text === "") return undefined;
  const excess = findJsonExcess(Buffer.from(text), readJsonBounds(limits));
  if (excess !== null)
    throw new AiError("invalid_request", `The query's 'input' exceeds this server's limit of ${excess}.`);
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (thrown) {
    throw new AiError("invalid_request", "The query's 'input' is not valid JSON.", { cause: thrown });
  }
}

/** Clients of tRPC send none where there is no input. */
function hasBody(request: Request, { headers, body }: RequestScope): boolean {
  const length = headers.get("content-length");
  if (length !== null) return length.trim() !== "0";
  return headers.has("transfer-encoding") || (body === null && request.body !== null);
}
