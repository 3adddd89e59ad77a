/** From a good HTTP answer to what the function of the operation returns: validated, unknown fields kept. */

import { ClientError } from "../client-error.ts";
import { shorten } from "../http/read-error.ts";
import { readText } from "../http/read-text.ts";
import type { HttpAnswer } from "../http/send-request.ts";
import { createBinaryAnswer } from "./binary-answer.ts";
import type { OperationInput } from "./compose-request.ts";
import { asksForStream } from "./compose-request.ts";
import type { Check } from "./schemas.ts";
import { createStream } from "./stream.ts";

/** The most bytes of an answer that is read as a whole. */
const ANSWER_BYTES_MAX = 512 * 1024 * 1024;

/** @throws ClientError of kind `invalid-response`. */
export async function readAnswer(call: OperationInput, answer: HttpAnswer): Promise<unknown> {
  const { route, input, checks } = call;
  const contentType = (answer.response.headers.get("content-type") ?? "").toLowerCase();
  if (asksForStream(call)) {
    if (!contentType.startsWith("text/event-stream")) throw await createTypeError(answer, "an event stream");
    const decode = (data: unknown) => requireShape(data, checks?.streamEvent ?? null, answer);
    return createStream(answer, { lastTypes: route.streaming?.lastTypes ?? null, decode });
  }
  const isJson = route.responseContentTypes.includes("application/json");
  if (!isJson) {
    if (/^(?:text\/html|application\/json)/.test(contentType)) throw await createTypeError(answer, "bytes");
    return createBinaryAnswer(answer);
  }
  const format = input["response_format"];
  const isText = route.textFormats.some((textFormat) => textFormat === format);
  const text = await readWhole(answer);
  return isText ? text : requireShape(parseJson(text, answer), checks?.findResponse(format) ?? null, answer);
}

async function readWhole(answer: HttpAnswer): Promise<string> {
  const { text, isWhole } = await readText(answer.response, ANSWER_BYTES_MAX);
  answer.watch.close();
  if (!isWhole) throw createInvalidError(answer, `The answer has more than ${ANSWER_BYTES_MAX} bytes.`);
  return text;
}

function parseJson(text: string, answer: HttpAnswer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw createInvalidError(answer, `The answer is not JSON: ${shorten(text)}`);
  }
}

function requireShape(value: unknown, check: Check | null, answer: HttpAnswer): unknown {
  const issue = check?.(value) ?? null;
  if (issue === null) return value;
  const message = `The answer does not have the shape of the specification: ${issue.path === "" ? "" : `${issue.path}: `}${issue.message}`;
  throw createInvalidError(answer, message, { param: issue.path, cause: value });
}

async function createTypeError(answer: HttpAnswer, expected: string): Promise<ClientError> {
  const contentType = answer.response.headers.get("content-type");
  const text = await readWhole(answer);
  return createInvalidError(answer, `The answer is ${contentType ?? "of no type"}, not ${expected}: ${shorten(text)}`);
}

function createInvalidError(
  { response, requestId }: HttpAnswer,
  message: string,
  details: { readonly param?: string; readonly cause?: unknown } = {},
): ClientError {
  return new ClientError({ ...details, kind: "invalid-response", message, status: response.status, requestId });
}
