/**
 * The OpenAPI 3.1 document of the operations. It adds wording and wiring to the schemas and invents no shape. Servers
 * and the generator import it; the package's index does not, so that its users need no generator.
 */
import { OpenApiGeneratorV31, OpenAPIRegistry, zodToOpenAPIRegistry } from "@asteasolutions/zod-to-openapi";
import type { RouteConfig } from "@asteasolutions/zod-to-openapi";
import { z } from "zod";
import { walkSchemas } from "./document-walk.ts";
import { type ErrorStatus, type HttpOperation, type Operation, listHttpOperations, operations } from "./operations.ts";
import { errorResponseSchema } from "./shared/error.ts";

/** An OpenAPI 3.1 document as plain JSON. */
export type OpenApiDocument = ReturnType<OpenApiGeneratorV31["generateDocument"]>;

/** What each error status means here; every one carries `ErrorResponse`. */
const errorDescriptions: Readonly<Record<ErrorStatus, string>> = {
  400: "The request is malformed, or asks for what the model cannot do. `param` names the field.",
  401: "No valid credential was sent.",
  403: "The credential does not grant the capability that the operation needs.",
  404: "There is no such model, or nothing stored with this id.",
  405: "The path exists, the method does not.",
  408: "The request took too long to arrive or to be answered.",
  413: "The body is larger than the server accepts.",
  415: "The body is not of the documented media type.",
  429: "A rate limit, a quota or the queue is exhausted.",
  500: "The server failed.",
  501: "The server has nothing configured that can do this.",
  503: "The server cannot answer now; try again later.",
};

/**
 * Builds the document. The same operations always give the same document. Those that are no request and answer are not
 * in it: OpenAPI can't describe a session.
 */
export function buildDocument(definitions: Readonly<Record<string, Operation>> = operations): OpenApiDocument {
  const registry = new OpenAPIRegistry();
  registry.registerComponent("securitySchemes", "bearerAuth", {
    type: "http",
    scheme: "bearer",
    description: "An API key or a JWT.",
  });

  const list = listHttpOperations(definitions);
  for (const operation of list) registry.registerPath(describeRoute(operation));

  const components = [...defineComponents(list), ...registry.definitions];
  const document = new OpenApiGeneratorV31(components, { sortComponents: "alphabetically" }).generateDocument({
    openapi: "3.1.0",
    info: {
      title: "openai-compat",
      version: "v1",
      description: "An OpenAI-compatible API. Every shape accepts keys beyond those listed.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/v1" }],
    security: [{ bearerAuth: [] }],
  });
  return JSON.parse(JSON.stringify(document, (key, value: unknown) => polish(key, value)));
}

/** The document as the text of `openapi.json`. */
export function encodeDocument(document: OpenApiDocument): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

/**
 * Makes each schema that carries an id a component of that name. The list is ordered from the inside out: the generator
 * takes a component's shape from where it first meets it, and must not meet it as someone's nullable property.
 */
function defineComponents(list: readonly HttpOperation[]): { type: "schema"; schema: z.ZodType }[] {
  const reachable = new Set<z.ZodType>();
  for (const operation of list) {
    for (const root of [operation.request, operation.response, operation.streamEvent, errorResponseSchema]) {
      if (root !== null) walkSchemas(root, reachable);
    }
  }
  return [...reachable].flatMap((schema) => {
    const refId = findComponentName(schema);
    if (refId === undefined) return [];
    zodToOpenAPIRegistry.add(schema, { _internal: { refId } });
    return [{ type: "schema" as const, schema }];
  });
}

/**
 * Marks "this component or null". Left alone, the generator drops that `null` or writes it as `allOf`, which no value
 * can satisfy; so each becomes a component of its own until `polish` resolves it.
 */
const OR_NULL = "--or-null";

function findComponentName(schema: z.ZodType): string | undefined {
  if (!(schema instanceof z.ZodNullable)) return z.globalRegistry.get(schema)?.id;
  const inner = schema.def.innerType;
  const name = inner instanceof z.ZodType ? z.globalRegistry.get(inner)?.id : undefined;
  return name === undefined ? undefined : `${name}${OR_NULL}`;
}

function describeRoute(operation: HttpOperation): RouteConfig {
  const { examples } = operation;
  const parameters = Object.keys(operation.pathParameters).length === 0 ? null : z.object(operation.pathParameters);
  const { queryParameters } = operation;
  return {
    operationId: operation.id,
    method: METHODS[operation.method],
    path: operation.path,
    summary: operation.summary,
    tags: [operation.path.split("/")[1] ?? ""],
    "x-capability": `${operation.capability.domain}:${operation.capability.can}`,
    ...(operation.extension ? { "x-extension": true } : {}),
    request: {
      ...(parameters === null ? {} : { params: parameters }),
      ...(queryParameters === undefined ? {} : { query: z.object(queryParameters) }),
      ...describeBody(operation, examples?.request),
    },
    responses: {
      200: {
        description:
          operation.streamEvent === null ? "The answer." : "The answer, or its stream when the request asks for one.",
        content: {
          ...Object.fromEntries(
            operation.responseContentTypes.map((type) => [type, describeAnswer(operation, type, examples?.response)]),
          ),
          ...(operation.streamEvent === null ? {} : { "text/event-stream": media(operation.streamEvent, undefined) }),
        },
      },
      ...Object.fromEntries(operation.errorStatuses.map((status) => [status, describeError(status)])),
    },
  };
}

const METHODS = { GET: "get", POST: "post", DELETE: "delete" } as const;

function describeBody({ request, requestContentType }: HttpOperation, example: unknown): RouteConfig["request"] {
  if (request === null || requestContentType === null) return {};
  return { body: { required: true, content: { [requestContentType]: media(request, example) } } };
}

function describeAnswer({ response }: HttpOperation, contentType: string, example: unknown): Media {
  if (contentType === "application/json" && response !== null) return media(response, example);
  return { schema: contentType.startsWith("text/") ? { type: "string" } : { type: "string", format: "binary" } };
}

interface Media {
  readonly schema: z.ZodType | { readonly type: "string"; readonly format?: "binary" };
  readonly example?: unknown;
}

function media(schema: z.ZodType, example: unknown): Media {
  return example === undefined ? { schema } : { schema, example };
}

function describeError(status: ErrorStatus): RouteConfig["responses"][string] {
  return {
    description: errorDescriptions[status],
    content: { "application/json": { schema: errorResponseSchema } },
  };
}

/** Resolves the `OR_NULL` marks and drops `additionalProperties: {}`, which says what its absence says. */
function polish(key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if ("$ref" in value && typeof value.$ref === "string" && value.$ref.endsWith(OR_NULL)) {
    return { anyOf: [{ $ref: value.$ref.slice(0, -OR_NULL.length) }, { type: "null" }] };
  }
  const entries = Object.entries(value).filter(
    ([name, entry]) => name !== "additionalProperties" || !isEmptyObject(entry),
  );
  return Object.fromEntries(key === "schemas" ? entries.filter(([name]) => !name.endsWith(OR_NULL)) : entries);
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
