/**
 * Each documented parameter of each request: ignored, refused, or answered with 500; and each of its documented values
 * refused. A form's fields are parameters like those of JSON.
 */

import { type HttpOperation, type HttpOperationId, listHttpOperations, operations } from "@openai-compat/spec";
import { JSON_TYPES, type JsonType, listParameters, takesType } from "../../checks/support/plain-requests.ts";
import { isJsonObject } from "../../src/expect.ts";
import { omit } from "../mutants/mutant.ts";
import type { Decoded, Fields } from "../operations/operation.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import { type Fault, listModes, type Mode, modeOfFields, OPERATION_NAMES } from "./fault.ts";

type Definition = HttpOperation & { readonly id: HttpOperationId };

export function listParameterFaults(): readonly Fault[] {
  return listHttpOperations(operations).flatMap((operation) => {
    return listParameters(operation.request).flatMap((name) =>
      listModes(operation.id).flatMap((mode) => [
        ...listWholeFaults({ operation, mode, name }),
        ...listTypeFaults({ operation, mode, name }),
      ]),
    );
  });
}

interface Parameter {
  readonly operation: Definition;
  readonly mode: Mode;
  readonly name: string;
}

/** What a server says whose code broke. */
export const BROKEN: Refusal = {
  ...makeRefusal("upstream_failed"),
  status: 500,
  code: "internal_error",
  message: "Something went wrong.",
};

function listWholeFaults(parameter: Parameter): readonly Fault[] {
  const { name, operation } = parameter;
  const { request: shape } = operation;
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
    // A form has no null.
    ...(shape !== null &&
    operation.requestContentType === "application/json" &&
    takesType(shape, name, "null") &&
    !isNoStream(parameter)
      ? [
          defineParameterFault(parameter, "null-refused", (fields) =>
            fields[name] === null ? { refusal: BROKEN } : null,
          ),
        ]
      : []),
  ];
}

/** Whether a value of another type asks for no stream at all. */
function isNoStream({ name, mode }: Parameter): boolean {
  return name === "stream" && mode === "stream";
}

function isMany({ n }: Fields): boolean {
  return typeof n === "number" && n > 1;
}

const TYPES: Readonly<Record<JsonType, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  array: (value) => Array.isArray(value),
  object: (value) => isJsonObject(value),
  null: (value) => value === null,
};

/** What a part of a form may be that the document does not give it. */
const PARTS: Readonly<Record<string, (value: unknown) => boolean>> = {
  empty: (value) => value === "",
  list: (value) => Array.isArray(value) && value.includes("hot"),
  file: (value) => isJsonObject(value),
  text: (value) => value === "hot",
};

/** A value of a type that the parameter does not have is answered with 500. */
function listTypeFaults(parameter: Parameter): readonly Fault[] {
  const { name, operation } = parameter;
  const { request } = operation;
  if (operation.requestContentType === "multipart/form-data" && name !== "file" && name !== "model") {
    return Object.entries(PARTS).map(([part, matches]) =>
      defineParameterFault(parameter, `${part}-breaks`, (fields) =>
        matches(fields[name]) ? { refusal: BROKEN } : null,
      ),
    );
  }
  if (operation.requestContentType !== "application/json" || request === null) return [];
  if (isNoStream(parameter)) return [];
  return JSON_TYPES.filter((type) => !takesType(request, name, type)).map((type) =>
    defineParameterFault(parameter, `${type}-breaks`, (fields) =>
      TYPES[type](fields[name]) ? { refusal: BROKEN } : null,
    ),
  );
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
    operator: `parameter ${operator.replace(/^(?:string|number|boolean|array|object|null|empty|list|file|text)-breaks/, "wrong-type-breaks")}`,
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
