/** Each documented parameter of each query: ignored, refused, or answered with 500; and values that it cannot have. */

import { type HttpOperation, type HttpOperationId, listHttpOperations, operations } from "@openai-compat/spec";
import { omit } from "../mutants/mutant.ts";
import type { Decoded, Fields } from "../operations/operation.ts";
import { makeRefusal } from "../refusal.ts";
import { type Fault, OPERATION_NAMES } from "./fault.ts";
import { BROKEN } from "./parameter-faults.ts";

type Change = (fields: Fields, name: string) => Decoded | null;

/** No parameter of a page takes these; `hot` is a model that nobody has. */
const VALUES = ["", "0", "-1", "hot", "1000000"];

const OPERATORS: Readonly<Record<string, Change>> = {
  ignored: (fields, name) => (name in fields ? { fields: omit(fields, name) } : null),
  refused: (fields, name) => (name in fields ? { refusal: makeRefusal("invalid_value", { param: name }) } : null),
  breaks: (fields, name) => (name in fields ? { refusal: BROKEN } : null),
  ...Object.fromEntries(
    VALUES.map((value): [string, Change] => [
      `"${value}"-breaks`,
      (fields, name) => (fields[name] === value ? { refusal: BROKEN } : null),
    ]),
  ),
};

export function listQueryFaults(): readonly Fault[] {
  return listHttpOperations(operations).flatMap((operation: HttpOperation & { readonly id: HttpOperationId }) => {
    const { id, queryParameters = {} } = operation;
    return Object.keys(queryParameters).flatMap((name) =>
      Object.entries(OPERATORS).map(([operator, change]) => defineQueryFault({ id, name, operator }, change)),
    );
  });
}

interface Naming {
  readonly id: HttpOperationId;
  readonly name: string;
  readonly operator: string;
}

function defineQueryFault({ id, name, operator }: Naming, change: Change): Fault {
  return {
    id: `${OPERATION_NAMES[id]}.body.query.${name}.${operator}`,
    description: `\`${name}\` of a query: ${operator}`,
    operation: id,
    mode: "body",
    operator: `query ${operator.replace(/^".*"/s, "value")}`,
    isRefusal: operator === "refused",
    mutate: ({ operations: known }) => {
      const { decode } = known[id];
      const changed = {
        ...known[id],
        decode: (...given: Parameters<typeof decode>): Decoded => {
          const decoded = decode(...given);
          return "refusal" in decoded ? decoded : (change(decoded.fields, name) ?? decoded);
        },
      };
      return { operations: { ...known, [id]: changed } };
    },
  };
}
