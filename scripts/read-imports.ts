/**
 * Lists everything that a module imports: static, dynamic, re-exported and `import("…")` in types. It parses; it judges
 * nothing.
 */

import { parseSync } from "oxc-parser";

export interface ImportSite {
  /** What is written between the quotes; `null` for a dynamic import of a computed value. */
  readonly specifier: string | null;
  /** Where the quotes stand in the source, as UTF-16 offsets without the quotes; only for a written specifier. */
  readonly span: { readonly start: number; readonly end: number } | null;
  /** Line of the import, from 1. */
  readonly line: number;
  /** value: it exists when the program runs. type: erased. dynamic: it loads only when the line is reached. */
  readonly kind: "value" | "type" | "dynamic";
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** Which kind of import a node is, and the node of its specifier; `null` for every other node. */
function importOf(node: Node): { kind: ImportSite["kind"]; specifier: unknown } | null {
  switch (node.type) {
    case "ImportDeclaration":
      return { kind: node["importKind"] === "type" ? "type" : "value", specifier: node["source"] };
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
      if (node["source"] === null) return null;
      return { kind: node["exportKind"] === "type" ? "type" : "value", specifier: node["source"] };
    case "ImportExpression":
      return { kind: "dynamic", specifier: node["source"] };
    case "TSImportType":
      return { kind: "type", specifier: node["source"] };
    default:
      return null;
  }
}

/** @throws Error when the source is not valid TypeScript. */
export function readImports(fileName: string, source: string): readonly ImportSite[] {
  const { program, errors } = parseSync(fileName, source);
  const firstError = errors[0];
  if (firstError !== undefined) throw new Error(`${fileName} cannot be parsed: ${firstError.message}`);
  const sites: ImportSite[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item);
      return;
    }
    if (!isNode(value)) return;
    const found = importOf(value);
    if (found !== null) {
      const literal = isNode(found.specifier) ? found.specifier : null;
      const text = literal?.["value"];
      const isWritten = literal !== null && typeof text === "string";
      sites.push({
        specifier: isWritten ? text : null,
        span: isWritten ? { start: literal.start + 1, end: literal.end - 1 } : null,
        line: source.slice(0, value.start).split("\n").length,
        kind: found.kind,
      });
    }
    for (const child of Object.values(value)) visit(child);
  };
  visit(program);
  return sites;
}
