/** The reference of the client as Markdown: what it exports, the operations and the native procedures. */

import { listHttpOperations, nativeProcedures, operations } from "@openai-compat/spec";
import type { HttpOperation, NativeProcedure } from "@openai-compat/spec";
import { z } from "zod";
import type { Documented, ExportedDeclaration } from "./read-exports.ts";

const INTRODUCTION = `# API of @openai-compat/client

Made from the docstrings of the package and from the specification: \`npx -y pnpm@12 exec node packages/client/reference/generate.ts\` renews it.

- [Exports](#exports)
- [Operations of client.v1](#operations-of-clientv1)
- [Procedures of client.ai](#procedures-of-clientai)
`;

/** Links to the exports that docstrings name, tags as items of a list. @throws Error for a link to nothing */
export function formatDocs(docs: string, names: ReadonlySet<string>): string {
  const [text = "", ...tags] = docs.split(/(?:^|\s)@(?=(?:param|returns|throws)\b)/);
  const items = tags.map(
    (tag) =>
      `- ${tag
        .replace(/^(\w+)\s+/, "**$1** ")
        .replaceAll(/\s+/g, " ")
        .trim()}`,
  );
  const body = text.trim().replaceAll(/\{@link (\w+)\}/g, (_, name: string) => {
    if (!names.has(name)) throw new Error(`a docstring links to ${name}, which is not exported`);
    return `[${name}](#${name.toLowerCase()})`;
  });
  return [body, items.join("\n")].filter((part) => part !== "").join("\n\n");
}

function printMember({ text, docs }: Documented, names: ReadonlySet<string>): string {
  const signature = text.replaceAll(/\/\*\*.*?\*\//gs, "").replaceAll(/\s+/g, " ");
  const description = formatDocs(docs, names).replaceAll(/\s*\n\s*/g, " ");
  return description === "" ? `- \`${signature}\`` : `- \`${signature}\`: ${description}`;
}

function printExport(declaration: ExportedDeclaration, names: ReadonlySet<string>): string {
  const { name, text, docs, members } = declaration;
  const parts = [
    `### ${name}`,
    formatDocs(docs, names),
    `\`\`\`ts\n${text}\n\`\`\``,
    members.map((member) => printMember(member, names)).join("\n"),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function printOperation({ id, method, path, summary, streamEvent, extension }: HttpOperation): string {
  const streams = streamEvent === null ? "" : " It can stream.";
  const own = extension ? " Only servers of this project have it." : "";
  return `| \`${id}\` | ${method} ${path} | ${summary}${streams}${own} |`;
}

const objectSchema = z.object({
  properties: z.record(z.string(), z.object({ description: z.string().optional() })).default({}),
  required: z.array(z.string()).default([]),
});

function printProcedure([path, procedure]: readonly [string, NativeProcedure]): string {
  const { type, summary, capability, input } = procedure;
  const json: unknown = z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
  const shape = objectSchema.safeParse(json);
  const fields = Object.entries(shape.data?.properties ?? {}).map(([name, { description }]) => {
    const isRequired = shape.data?.required.includes(name) === true;
    const facts = [isRequired ? "Required." : "", description ?? ""].filter((fact) => fact !== "").join(" ");
    return facts === "" ? `- \`${name}\`` : `- \`${name}\`: ${facts}`;
  });
  const result = type === "subscription" ? "A subscription" : `A ${type}`;
  const head = `### ai.${path}\n\n${summary} ${result}; a credential needs \`${capability.can}\` of \`${capability.domain}\`.`;
  return fields.length === 0 ? head : `${head}\n\n${fields.join("\n")}`;
}

/** @throws Error where an export has no docstring */
export function printReference(exported: readonly ExportedDeclaration[]): string {
  const undocumented = exported.filter(({ docs }) => docs === "").map(({ name }) => name);
  if (undocumented.length > 0) throw new Error(`without a docstring: ${undocumented.join(", ")}`);
  const names = new Set(exported.map(({ name }) => name));
  const rows = listHttpOperations(operations).map((operation) => printOperation(operation));
  const procedures: readonly (readonly [string, NativeProcedure])[] = Object.entries(nativeProcedures);
  const parts = [
    INTRODUCTION.trim(),
    "## Exports",
    ...exported.map((declaration) => printExport(declaration, names)),
    "## Operations of client.v1",
    `| function | request | |\n| --- | --- | --- |\n${rows.join("\n")}`,
    "## Procedures of client.ai",
    ...procedures.map((entry) => printProcedure(entry)),
  ];
  return `${parts.join("\n\n")}\n`;
}
