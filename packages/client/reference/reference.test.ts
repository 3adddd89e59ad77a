import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findDeadLinks } from "./dead-links.ts";
import { formatDocs, printReference } from "./print-reference.ts";
import { readExports } from "./read-exports.ts";

function writeFiles(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), "reference-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  return folder;
}

test("exports are read with their docstrings and members", () => {
  const folder = writeFiles({
    "index.d.ts": 'export { make } from "./a.ts";\nexport type { Options } from "./a.ts";\n',
    "a.d.ts":
      "/** Of the module. */\n/** Some options. */\nexport interface Options {\n  /** How many. */\n  readonly count?: number;\n}\n" +
      "/**\n * Makes one.\n *\n * @throws Error\n */\nexport declare function make(options: Options): void;\n",
  });
  expect(readExports(path.join(folder, "index.d.ts"))).toEqual([
    {
      name: "make",
      kind: "function",
      docs: "Makes one.\n\n@throws Error",
      text: "function make(options: Options): void;",
      members: [],
    },
    {
      name: "Options",
      kind: "interface",
      docs: "Some options.",
      text: "interface Options",
      members: [{ name: "count", docs: "How many.", text: "readonly count?: number" }],
    },
  ]);
});

test("an export without a docstring is refused by name", () => {
  const bare = { name: "make", kind: "function", docs: "", text: "function make(): void", members: [] } as const;
  expect(() => printReference([bare])).toThrow("without a docstring: make");
  expect(printReference([{ ...bare, docs: "Makes one." }])).toContain("### make\n\nMakes one.\n\n```ts");
});

test("the reference has every operation and every procedure", () => {
  const page = printReference([]);
  expect(page).toContain("| `createChatCompletion` | POST /chat/completions |");
  expect(page).toContain("### ai.models.list");
  expect(page).toContain("- `temperature`");
});

test("tags of a docstring become items, links lead to exports or are refused", () => {
  const names = new Set(["Stream"]);
  expect(formatDocs("A {@link Stream}. @returns text\n@throws Error of\n  two lines", names)).toBe(
    "A [Stream](#stream).\n\n- **returns** text\n- **throws** Error of two lines",
  );
  expect(() => formatDocs("A {@link Flow}.", names)).toThrow("Flow");
});

test("links to missing files and headings are found, those in code and of the web are not", () => {
  const folder = writeFiles({
    "page.md":
      "# Some title\n\n[a](other.md) [b](other.md#two-words) [c](#some-title) [d](https://host/x)\n" +
      "[e](gone.md) [f](other.md#gone) [g](#gone) `[h](code.md)`\n\n```md\n[i](code.md)\n```\n",
    "other.md": "## Two words\n\n```sh\n# gone\n```\n",
  });
  expect(findDeadLinks(path.join(folder, "page.md"))).toEqual(["gone.md", "other.md#gone", "#gone"]);
});
