/** What a module exports, with its docstrings, from the declarations that the compiler has made. It prints nothing. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { parseSync } from "oxc-parser";

export interface Documented {
  readonly name: string;
  /** The docstring without its stars; empty where there is none. */
  readonly docs: string;
  /** As it is declared. */
  readonly text: string;
}

export interface ExportedDeclaration extends Documented {
  readonly kind: "function" | "class" | "interface" | "type";
  /** Of a class or an interface. */
  readonly members: readonly Documented[];
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

interface Module {
  readonly source: string;
  readonly body: readonly Node[];
  readonly comments: readonly { readonly start: number; readonly end: number; readonly value: string }[];
}

const KINDS: Readonly<Record<string, ExportedDeclaration["kind"]>> = {
  TSDeclareFunction: "function",
  FunctionDeclaration: "function",
  ClassDeclaration: "class",
  TSInterfaceDeclaration: "interface",
  TSTypeAliasDeclaration: "type",
};

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function listNodes(value: unknown): readonly Node[] {
  return Array.isArray(value) ? value.filter((item) => isNode(item)) : [];
}

function parse(file: string): Module {
  const source = readFileSync(file, "utf8");
  const { program, comments, errors } = parseSync(file, source);
  if (errors[0] !== undefined) throw new Error(`${file} cannot be parsed: ${errors[0].message}`);
  return { source, body: listNodes(program.body), comments };
}

/** The name of a declaration, of a member or of what an export is called. */
function readName(node: unknown): string {
  if (!isNode(node)) return "";
  const { name, value, id, key } = node;
  if (typeof name === "string") return name;
  return typeof value === "string" ? value : readName(id ?? key);
}

function findDocs({ source, comments }: Module, start: number): string {
  const comment = comments.findLast(({ end }) => end <= start && source.slice(end, start).trim() === "");
  if (comment === undefined || !comment.value.startsWith("*")) return "";
  return comment.value
    .split("\n")
    .map((line) => line.replace(/^\s*\*+ ?/, "").trimEnd())
    .join("\n")
    .trim();
}

function readMembers(module: Module, declaration: Node): readonly Documented[] {
  const body = declaration["body"];
  const nodes = isNode(body) ? listNodes(body["body"]) : [];
  return nodes
    .filter((node) => node["accessibility"] !== "private" && readName(node) !== "")
    .map((node) => ({
      name: readName(node),
      docs: findDocs(module, node.start),
      text: module.source.slice(node.start, node.end).replace(/;$/, ""),
    }));
}

function readDeclaration(module: Module, name: string): ExportedDeclaration | null {
  for (const statement of module.body) {
    const inner = statement["declaration"];
    const declaration = isNode(inner) ? inner : statement;
    const kind = KINDS[declaration.type];
    if (kind === undefined || readName(declaration) !== name) continue;
    const body = declaration["body"];
    const end = (kind === "class" || kind === "interface") && isNode(body) ? body.start : declaration.end;
    return {
      name,
      kind,
      docs: findDocs(module, statement.start),
      text: module.source
        .slice(declaration.start, end)
        .replace(/^declare /, "")
        .trim(),
      members: kind === "class" || kind === "interface" ? readMembers(module, declaration) : [],
    };
  }
  return null;
}

/**
 * @param entry a declaration file that only exports from others
 * @throws Error where an exported name is not declared where the export says
 */
export function readExports(entry: string): readonly ExportedDeclaration[] {
  const modules = new Map<string, Module>();
  return parse(entry).body.flatMap((statement) => {
    const from = statement["source"];
    if (!isNode(from)) return [];
    const file = path.join(path.dirname(entry), readName(from).replace(/\.[jt]s$/, ".d.ts"));
    const module = modules.get(file) ?? parse(file);
    modules.set(file, module);
    return listNodes(statement["specifiers"]).map((specifier) => {
      const name = readName(specifier["exported"]);
      const declaration = readDeclaration(module, name);
      if (declaration === null) throw new Error(`${name} is not declared in ${file}`);
      return declaration;
    });
  });
}
