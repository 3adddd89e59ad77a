/** From the input of an operation to its request: validated, with the path's parameters in place. */

import type { HttpRoute } from "@openai-compat/spec/operation-routes";
import { ClientError } from "../client-error.ts";
import type { HttpRequest } from "../http/send-request.ts";
import { encodeForm } from "./encode-form.ts";
import type { Check, OperationChecks } from "./schemas.ts";
import { isUpload, openUpload } from "./upload.ts";
import type { CallOptions } from "./call-options.ts";

export interface OperationInput {
  readonly route: HttpRoute;
  readonly input: Readonly<Record<string, unknown>>;
  /** Null where nothing is validated. */
  readonly checks: OperationChecks | null;
}

type Composed = Pick<HttpRequest, "method" | "path" | "headers" | "body">;

/** @throws ClientError of kind `invalid-request`. */
export async function composeRequest(call: OperationInput, options: CallOptions): Promise<Composed> {
  const { route, checks } = call;
  const { path, rest } = fillPath(call);
  const headers: Record<string, string> = { ...options.headers, accept: acceptOf(call) };
  const { method } = route;
  if (route.requestContentType === null) return { method, path, headers, body: null };
  if (route.requestContentType === "multipart/form-data") {
    const opened = await openUploads(rest);
    requireShape(checks?.request, opened);
    return { method, path, headers, body: encodeForm({ ...opened, ...options.extraBody }) };
  }
  requireShape(checks?.request, rest);
  headers["content-type"] = "application/json";
  return { method, path, headers, body: JSON.stringify({ ...rest, ...options.extraBody }) };
}

/** Whether the input asks for a stream. */
export function asksForStream({ route: { streaming }, input }: OperationInput): boolean {
  return streaming !== null && input[streaming.field] === streaming.value;
}

function acceptOf(call: OperationInput): string {
  return asksForStream(call) ? "text/event-stream" : call.route.responseContentTypes.join(", ");
}

/** Takes the parameters of path and query out of the input. */
function fillPath({ route, input }: OperationInput) {
  const rest = { ...input };
  const filled = route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = input[name];
    delete rest[name];
    // A URL has no way to write the last two: they would name another path.
    if (typeof value !== "string" || value === "" || value === "." || value === "..") {
      throw createInputError(name, `The parameter ${name} of the path must be a text other than "", "." and "..".`);
    }
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  for (const name of route.query ?? []) {
    addToQuery(query, name, rest[name]);
    delete rest[name];
  }
  return { path: query.size === 0 ? filled : `${filled}?${query.toString()}`, rest };
}

/** The members of an object as `name[key]=value`, the elements of a list as `name[]=value`. */
function addToQuery(query: URLSearchParams, name: string, value: unknown): void {
  if (["string", "number", "boolean"].includes(typeof value)) query.append(name, String(value));
  else if (Array.isArray(value)) for (const element of value) addToQuery(query, `${name}[]`, element);
  else for (const [key, member] of Object.entries(value ?? {})) addToQuery(query, `${name}[${key}]`, member);
}

async function openUploads(input: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
  const opened = Object.entries(input).map(async ([name, value]) => [
    name,
    isUpload(value) ? await openUpload(value) : value,
  ]);
  return Object.fromEntries(await Promise.all(opened));
}

function requireShape(check: Check | null | undefined, value: unknown): void {
  const issue = check?.(value) ?? null;
  if (issue === null) return;
  throw createInputError(
    issue.path,
    `The input is not valid: ${issue.path === "" ? "" : `${issue.path}: `}${issue.message}`,
  );
}

function createInputError(param: string, message: string): ClientError {
  return new ClientError({ kind: "invalid-request", message, param: param === "" ? null : param });
}
