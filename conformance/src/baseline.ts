/**
 * The baseline: a YAML file of checks that are expected to fail, each with the reason. This module reads it, with a line
 * and a reason for whatever is wrong in it. What an entry means for a run is decided in `expectation.ts`.
 */

import {
  CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  Lexer,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLMap,
} from "yaml";
import { z } from "zod";
import { readTextFile } from "./read-text-file.ts";
import { ConfigurationError } from "./resolve-target.ts";

export interface BaselineEntry {
  /** Of the check. */
  readonly id: string;
  /** Why it is expected to fail. */
  readonly reason: string;
  /** Where the failure is tracked. */
  readonly issue: string | null;
  /** `YYYY-MM-DD`: the last day on which the failure is expected, in UTC. */
  readonly expires: string | null;
  /** The check fails now and then: so many of so many tries may fail, and none has to. Null: it fails. */
  readonly flaky: { readonly failed: number; readonly of: number } | null;
  /** In the file, from 1; null for an entry that is in none yet. */
  readonly line: number | null;
}

export interface Baseline {
  /** Its path, as given; null for one that comes from no file. */
  readonly file: string | null;
  /** By the id of the check. */
  readonly entries: ReadonlyMap<string, BaselineEntry>;
}

/** A baseline and the document that it was read from, which has its comments. */
export interface BaselineDocument {
  readonly baseline: Baseline;
  readonly document: Document;
}

/** An entry for each check of the suite, with a reason of 300 characters, has about 800 KB. */
const FILE_BYTES_MAX = 1024 * 1024;
const REASON_LENGTH_MAX = 4000;
/** An entry is on the third level. */
const NESTING_MAX = 16;
const PROBLEMS_SHOWN_MAX = 10;

/** What may be the id of a check, in this version or another; a pattern is none. */
const CHECK_ID = /^[\w.-]+$/;

const text = z.string("must be text").trim().min(1, "is empty").max(REASON_LENGTH_MAX);

const flakySchema = z
  .string("must be two numbers, such as 1/3")
  .regex(/^[1-9]\d?\/[1-9]\d?$/, "must be two numbers, such as 1/3: at most 1 of 3 tries fails")
  .transform((given) => given.split("/").map(Number))
  .transform(([failed = 0, of = 0]) => ({ failed, of }))
  .refine(
    ({ failed, of }) => failed < of,
    "must have fewer failed tries than tries: a check that always fails needs none",
  );

const entrySchema = z.strictObject({
  reason: z.string("is missing: say why the check is expected to fail").pipe(text),
  issue: z.exactOptional(text),
  expires: z.exactOptional(z.iso.date("must be a date, YYYY-MM-DD")),
  flaky: z.exactOptional(flakySchema),
});

/** @throws ConfigurationError when it can't be read, or with the line of everything that is wrong */
export async function readBaseline(file: string): Promise<Baseline> {
  return (await readBaselineDocument(file)).baseline;
}

/** @throws ConfigurationError when it can't be read, or with the line of everything that is wrong */
export async function readBaselineDocument(file: string): Promise<BaselineDocument> {
  const adviceIfAbsent = "--update-baseline writes one that fits.";
  return parseBaseline(await readTextFile(file, { what: "baseline", bytesMax: FILE_BYTES_MAX, adviceIfAbsent }), file);
}

/** @param file its name in messages. @throws ConfigurationError with the line of everything that is wrong */
export function parseBaseline(source: string, file: string): BaselineDocument {
  const lines = new LineCounter();
  const problems = new Problems(file, lines);
  const deepAt = findDeepNesting(source);
  if (deepAt !== null) problems.add(deepAt, "is nested too deeply: an entry is `id: reason`, or an id with its fields");
  problems.throwAny(source);
  // Every scalar is text, so that no reason, date or fraction is taken for something else. Duplicate keys are found below
  // in linear time.
  const document = parseDocument(source, {
    schema: "failsafe",
    uniqueKeys: false,
    lineCounter: lines,
    prettyErrors: false,
  });
  for (const { pos, message } of [...document.errors, ...document.warnings])
    problems.add(pos[0], `is no YAML: ${message}`);
  problems.throwAny(source);
  const { contents } = document;
  const aliases = resolveAliases(document);
  const entries = new Map<string, BaselineEntry>();
  // Nothing but comments: a baseline of a server that fails nothing.
  const isEmpty = contents === null || (isScalar(contents) && contents.value === "");
  if (isMap(contents)) readEntries(contents, { aliases, problems, entries });
  else if (!isEmpty) {
    problems.add(contents.range?.[0] ?? 0, "must map ids of checks to reasons: `chat.stop.not-sent: why it fails`");
  }
  problems.throwAny(source);
  return { baseline: { file, entries }, document };
}

/** What each alias stands for, in one walk: the library's own look-up walks the document for each of them. */
export function resolveAliases(document: Document): ReadonlyMap<unknown, Node> {
  const anchored = new Map<string, Node>();
  const aliases = new Map<unknown, Node>();
  visit(document, {
    Node(_, node) {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchored.set(node.anchor, node);
        return;
      }
      const source = anchored.get(node.source);
      if (source !== undefined) aliases.set(node, source);
    },
  });
  return aliases;
}

interface Reading {
  readonly aliases: ReadonlyMap<unknown, Node>;
  readonly problems: Problems;
  readonly entries: Map<string, BaselineEntry>;
}

function readEntries(map: YAMLMap, { aliases, problems, entries }: Reading): void {
  for (const { id, at, value } of listPairs(map, problems)) {
    const name = quoteId(id);
    if (!CHECK_ID.test(id)) {
      problems.add(
        at,
        `${name} is no id of a check${id.includes("*") ? ": a pattern would hide new failures, so name each check" : ""}`,
      );
      continue;
    }
    const known = entries.get(id);
    if (known !== undefined) {
      problems.add(at, `${name} is there twice: also in line ${known.line}`);
      continue;
    }
    const { fields, places } = readFields(value, aliases, problems);
    const parsed = entrySchema.safeParse(fields);
    if (parsed.success) {
      const { reason, issue = null, expires = null, flaky = null } = parsed.data;
      entries.set(id, { id, reason, issue, expires, flaky, line: problems.lineOf(at) });
      continue;
    }
    for (const issue of parsed.error.issues) {
      const place = listFields(issue).map((field) => places.get(field))[0];
      problems.add(place ?? at, `${name}: ${describeIssue(issue)}`);
    }
  }
}

interface Fields {
  /** What the schema of an entry is for. */
  readonly fields: unknown;
  /** Offset of each field. */
  readonly places: ReadonlyMap<string, number>;
}

/** A text alone is a reason. */
function readFields(given: unknown, aliases: Reading["aliases"], problems: Problems): Fields {
  const value = isAlias(given) ? aliases.get(given) : given;
  const places = new Map<string, number>();
  if (isScalar(value)) return { fields: { reason: value.value }, places };
  if (!isMap(value)) return { fields: value === null ? {} : "no entry", places };
  const fields = new Map<string, unknown>();
  for (const { id: name, at, value: field } of listPairs(value, problems)) {
    if (fields.has(name)) problems.add(at, `the field ${quoteId(name)} is there twice`);
    const resolved = isAlias(field) ? aliases.get(field) : field;
    fields.set(name, isScalar(resolved) ? resolved.value : null);
    places.set(name, at);
  }
  return { fields: Object.fromEntries(fields), places };
}

function* listPairs(map: YAMLMap, problems: Problems) {
  for (const { key, value } of map.items) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- keys of a parsed map are nodes
    const at = (key as Node | null)?.range?.[0] ?? 0;
    if (isScalar(key) && typeof key.value === "string") yield { id: key.value, at, value };
    else problems.add(at, "a key must be plain text");
  }
}

function listFields(issue: z.core.$ZodIssue): readonly string[] {
  return issue.code === "unrecognized_keys" ? issue.keys : issue.path.map(String);
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const fields = listFields(issue);
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(entrySchema.shape).join(", ");
    return `${fields.map(quoteId).join(", ")} is no field of an entry, which has ${known}`;
  }
  return fields.length === 0
    ? "must be a reason, or the fields of an entry"
    : `\`${fields.join(".")}\` ${issue.message}`;
}

const ID_LENGTH_MAX = 100;

function quoteId(id: string): string {
  return JSON.stringify(id.length > ID_LENGTH_MAX ? `${id.slice(0, ID_LENGTH_MAX)}…` : id);
}

/** What is wrong in a file, by its place. */
class Problems {
  readonly #found: { readonly offset: number; readonly message: string }[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  add(offset: number, message: string): void {
    this.#found.push({ offset, message });
  }

  lineOf(offset: number): number {
    return this.#lines.linePos(offset).line;
  }

  /** @throws ConfigurationError when there is any */
  throwAny(source: string): void {
    if (this.#found.length === 0) return;
    const shown = this.#found.slice(0, PROBLEMS_SHOWN_MAX).map(({ offset, message }) => {
      const before = source.slice(0, offset).split("\n");
      return `  ${this.#file}:${before.length}:${(before.at(-1) ?? "").length + 1}: ${message}`;
    });
    const left = this.#found.length - shown.length;
    const more = left === 0 ? [] : [`  and ${left} more`];
    throw new ConfigurationError([`The baseline ${this.#file} is wrong:`, ...shown, ...more].join("\n"));
  }
}

/** Of the lexer's own: they are not in the text. */
const SYNTHETIC: ReadonlySet<string> = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR]);

/**
 * The parser calls itself for each level, so that a file of brackets would end the process. The lexer does not.
 *
 * @returns the offset of what is too deep; null when nothing is
 */
function findDeepNesting(source: string): number | null {
  let offset = 0;
  let flows = 0;
  let inLine = 0;
  for (const lexeme of new Lexer().lex(source)) {
    const type = CST.tokenType(lexeme);
    if (type === "newline") inLine = 0;
    if (type === "seq-item-ind" || type === "explicit-key-ind") inLine += 1;
    if (type === "flow-map-start" || type === "flow-seq-start") flows += 1;
    if (type === "flow-map-end" || type === "flow-seq-end") flows -= 1;
    if (flows > NESTING_MAX || inLine > NESTING_MAX) return offset;
    if (!SYNTHETIC.has(lexeme)) offset += lexeme.length;
  }
  return null;
}
