/**
 * Each documented parameter of each request: ignored, refused, or answered with 500; and each of its documented values
 * refused. A form's fields are parameters like those of JSON.
 */

import { type HttpOperation, type HttpOperationId, listHttpOperations, operations } from "@openai-compat/spec";
import { z } from "zod";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { omit } from "../mutants/mutant.ts";
import type { Decoded, Fields } from "../operations/operation.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import { type Fault, listModes, type Mode, modeOfFields, OPERATION_NAMES } from "./fault.ts";

type Definition = HttpOperation & { readonly id: HttpOperationId };

export function listParameterFaults(): readonly Fault[] {
  return listHttpOperations(operations).flatMap((operation) => {
    const parameters = listParameters(operation.request);
    return Object.entries(parameters).flatMap(([name, schema]) =>
      listModes(operation.id).flatMap((mode) => [
        ...listWholeFaults({ operation, mode, name }),
        ...listTypeFaults({ operation, mode, name }, schema),
      ]),
    );
  });
}

interface Parameter {
  readonly operation: Definition;
  readonly mode: Mode;
  readonly name: string;
}

/** The properties of a request, each with its JSON Schema. */
function listParameters(request: z.ZodType | null): Readonly<Record<string, JsonObject>> {
  if (request === null) return {};
  const document: unknown = z.toJSONSchema(request, { io: "input", unrepresentable: "any" });
  const root = isJsonObject(document) ? resolve(document, document) : {};
  const properties = isJsonObject(root["properties"]) ? root["properties"] : {};
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, isJsonObject(schema) ? schema : {}]),
  );
}

function resolve(schema: JsonObject, document: JsonObject): JsonObject {
  const { $ref: reference } = schema;
  if (typeof reference !== "string") return schema;
  const name = reference.split("/").at(-1) ?? "";
  const { $defs: definitions } = document;
  const found = isJsonObject(definitions) ? definitions[name] : undefined;
  return isJsonObject(found) ? found : {};
}

const BROKEN: Refusal = {
  ...makeRefusal("upstream_failed"),
  status: 500,
  code: "internal_error",
  message: "Something went wrong.",
};

function listWholeFaults(parameter: Parameter): readonly Fault[] {
  const { name, operation } = parameter;
  const hasChoices = operation.id === "createChatCompletion" || operation.id === "createCompletion";
  const isSent = (fields: Fields): boolean => fields[name] !== undefined && fields[name] !== null;
  const drop = (fields: Fields): Decoded => ({ fields: omit(fields, name) });
  return [
    defineParameterFault(parameter, "ignored", (fields) => (isSent(fields) ? drop(fields) : null)),
    ...(hasChoices && name !== "n" && name !== "model"
      ? [
          defineParameterFault(parameter, "ignored-for-n", (fields) =>
            isMany(fields) && isSent(fields) ? drop(fields) : null,
          ),
        ]
      : []),
    {
      ...defineParameterFault(parameter, "refused", (fields) =>
        isSent(fields) ? { refusal: makeRefusal("invalid_value", { param: name }) } : null,
      ),
      isRefusal: true,
    },
    defineParameterFault(parameter, "breaks", (fields) => (isSent(fields) ? { refusal: BROKEN } : null)),
    defineParameterFault(parameter, "null-breaks", (fields) => (fields[name] === null ? { refusal: BROKEN } : null)),
  ];
}

function isMany({ n }: Fields): boolean {
  return typeof n === "number" && n > 1;
}

const WRONG_TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  array: (value) => Array.isArray(value),
  object: (value) => isJsonObject(value),
};

/** A value of a type that the parameter does not have is answered with 500. */
function listTypeFaults(parameter: Parameter, schema: JsonObject): readonly Fault[] {
  if (parameter.operation.requestContentType !== "application/json") return [];
  const shape = parameter.operation.request;
  if (shape === null || Object.keys(schema).length === 0) return [];
  return Object.entries(WRONG_TYPES).flatMap(([type, isOfType]) => {
    const { name } = parameter;
    if (accepts(shape, name, type)) return [];
    return defineParameterFault(parameter, `${type}-breaks`, (fields) =>
      isOfType(fields[name]) ? { refusal: BROKEN } : null,
    );
  });
}

const SAMPLES: Readonly<Record<string, readonly unknown[]>> = {
  string: ["text", "auto", "none", "low", "float", "mp3", "24h", "in-memory", "in_memory"],
  number: [1, 0.5],
  boolean: [true, false],
  array: [
    ["text"],
    [1],
    [[1]],
    [{ role: "user", content: "x" }],
    [{ type: "function", function: { name: "f" } }],
    [{ name: "f" }],
    [],
  ],
  object: [{}, { type: "text" }, { name: "f" }, { id: "v" }, { a: "1" }, { a: 1 }, { type: "session.created" }],
};

/** Whether the document lets the parameter have a value of the type. */
function accepts(shape: z.ZodType, name: string, type: string): boolean {
  return (SAMPLES[type] ?? []).some((value) => {
    const { error } = shape.safeParse({ [name]: value });
    // In a union every branch reports the path; where the top does, the value itself is what is wrong.
    return error === undefined || !error.issues.some(({ path }) => path.length === 1 && path[0] === name);
  });
}

function defineParameterFault(
  { operation, mode, name }: Parameter,
  operator: string,
  change: (fields: Fields) => Decoded | null,
): Fault {
  return {
    id: `${OPERATION_NAMES[operation.id]}.${mode}.parameter.${name}.${operator}`,
    description: `\`${name}\` of a ${mode === "stream" ? "stream's " : ""}request: ${operator}`,
    operation: operation.id,
    mode,
    operator: `parameter ${operator.replace(/^(?:string|number|boolean|array|object)-/, "wrong-type-")}`,
    mutate: ({ operations: known }) => {
      const { decode } = known[operation.id];
      const changed = {
        ...known[operation.id],
        decode: (...given: Parameters<typeof decode>): Decoded => {
          const decoded = decode(...given);
          if ("refusal" in decoded || modeOfFields(decoded.fields) !== mode) return decoded;
          return change(decoded.fields) ?? decoded;
        },
      };
      return { operations: { ...known, [operation.id]: changed } };
    },
  };
}
