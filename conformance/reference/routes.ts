/** Which operation of the specification a method and a path name. */

import { type HttpOperationId, listHttpOperations, operations } from "@openai-compat/spec";

const ROUTES = listHttpOperations(operations).map(({ id, method, path }) => ({
  id,
  methods: method === "GET" ? ["GET", "HEAD"] : [method],
  pattern: new RegExp(`^${path.replace("{model}", ".+").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
}));

export function resolveOperation(method: string, path: string): HttpOperationId | null {
  return ROUTES.find((route) => route.pattern.test(path) && route.methods.includes(method))?.id ?? null;
}

/** The methods that a path answers; none where there is no such path. */
export function listMethods(path: string): readonly string[] {
  return ROUTES.filter((route) => route.pattern.test(path)).flatMap((route) => route.methods);
}
