/**
 * The smallest baseline that a run fits: entries that still hold as they are, new ones for what else would fail the run.
 * Which entries change is decided apart from how the file is written, so that the report can say it first.
 */

import { accessSync, constants, existsSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Document, isMap, isScalar, isSeq, visit, YAMLMap } from "yaml";
import {
  type Baseline,
  type BaselineDocument,
  type BaselineEntry,
  parseBaseline,
  readBaselineDocument,
  resolveAliases,
} from "./baseline.ts";
import type { FailOn } from "./exit-code.ts";
import { type BaselineRun, judgeBaseline } from "./expectation.ts";
import type { CheckResult } from "./outcome.ts";
import { isAbsent } from "./read-text-file.ts";
import type { Redact } from "./redact.ts";
import { ConfigurationError } from "./resolve-target.ts";

export interface BaselineUpdate {
  /** New entries, and those that change. */
  readonly written: readonly BaselineEntry[];
  /** Ids whose entry is dropped. */
  readonly removed: readonly string[];
  /** What holds then. */
  readonly baseline: Baseline;
}

export interface UpdateOptions extends BaselineRun {
  readonly failOn: FailOn;
  /** Called with what a target sent: the file is committed. */
  readonly redact: Redact;
}

/**
 * What got no verdict and what was not selected keeps its entry. So does an expired one whose check still fails: that
 * date is for a person to change.
 */
export function computeUpdate(baseline: Baseline, options: UpdateOptions): BaselineUpdate {
  const { results, failOn, redact } = options;
  const { problems } = judgeBaseline(baseline, options);
  const entries = new Map(baseline.entries);
  const written: BaselineEntry[] = [];
  const removed: string[] = [];
  for (const { id, kind } of problems) {
    if (kind === "expired" || kind === "exceeded") continue;
    removed.push(id);
    entries.delete(id);
  }
  const exceeded = new Set(problems.flatMap(({ id, kind }) => (kind === "exceeded" ? [id] : [])));
  for (const result of results) {
    const { id } = result.check;
    const known = entries.get(id);
    if (known === undefined ? !failsRun(result, failOn) : !exceeded.has(id)) continue;
    const entry = { ...(known ?? createEntry(result, redact)), flaky: describeFlaky(result) };
    entries.set(id, entry);
    written.push(entry);
  }
  return { written, removed, baseline: { ...baseline, entries } };
}

/** Whether a result makes a target non-conformant. */
function failsRun({ outcome, check }: CheckResult, failOn: FailOn): boolean {
  return outcome === "fail" || (failOn === "should" && outcome === "warn" && check.level === "should");
}

const REASON_LENGTH_MAX = 300;

function createEntry({ check, reason }: CheckResult, redact: Redact): BaselineEntry {
  const line = redact(reason)
    .toWellFormed()
    .replaceAll(/[\p{Cc}\s]+/gu, " ")
    .trim();
  const text = line.length > REASON_LENGTH_MAX ? `${line.slice(0, REASON_LENGTH_MAX).toWellFormed()}…` : line;
  return { id: check.id, reason: text || "It fails.", issue: null, expires: null, flaky: null, line: null };
}

/** A check that passed in some of its tries will pass again, and must not make the baseline stale. */
function describeFlaky({ tries }: CheckResult): BaselineEntry["flaky"] {
  return tries !== null && tries.failed < tries.of ? tries : null;
}

const HEADING = " Checks that are expected to fail, with the reason: `issue`, `expires` and `flaky` are optional.";

/** The file to update. One that does not exist yet is an empty baseline. @throws ConfigurationError */
export async function openBaseline(file: string): Promise<BaselineDocument> {
  checkIsWritable(file);
  try {
    return await readBaselineDocument(file);
  } catch (error) {
    if (error instanceof ConfigurationError && isAbsent(error.cause)) return createBaseline(file);
    throw error;
  }
}

function createBaseline(file: string): BaselineDocument {
  const document = new Document(new YAMLMap(), { schema: "failsafe" });
  document.commentBefore = HEADING;
  return { baseline: { file, entries: new Map() }, document };
}

/** Said before the run, which takes minutes. */
function checkIsWritable(file: string): void {
  try {
    accessSync(path.dirname(resolveLink(file)), constants.W_OK);
  } catch (error) {
    throw new ConfigurationError(`The baseline ${file} can't be written: ${String(error)}`, { cause: error });
  }
}

/** A link stays one. */
function resolveLink(file: string): string {
  try {
    return realpathSync(file);
  } catch (error) {
    if (isAbsent(error)) return file;
    throw error;
  }
}

/**
 * Writes the file as a whole or not at all; entries and comments that stay are kept as they are.
 *
 * @throws ConfigurationError when it can't be written
 */
export function saveBaseline(file: string, document: Document, { written, removed }: BaselineUpdate): void {
  if (written.length === 0 && removed.length === 0 && existsSync(file)) return;
  const text = editDocument(document, written, removed);
  // What is written can be read: a file that the next run refuses would be found in the pipeline.
  parseBaseline(text, file);
  const place = resolveLink(file);
  const temporary = `${place}.${process.pid}.tmp`;
  try {
    const mode = statSync(place, { throwIfNoEntry: false })?.mode ?? 0o666;
    writeFileSync(temporary, text, { mode, flag: "wx" });
    renameSync(temporary, place);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new ConfigurationError(`The baseline ${file} can't be written: ${String(error)}`, { cause: error });
  }
}

function editDocument(document: Document, written: readonly BaselineEntry[], removed: readonly string[]): string {
  const contents = isMap(document.contents) ? document.contents : new YAMLMap();
  document.contents = contents;
  // An entry that is removed may be the one that others refer to.
  if (removed.length > 0 || written.length > 0) inlineAliases(document);
  for (const id of removed) contents.delete(id);
  // An empty map is written as `{}`: with entries it would be one long line.
  if (contents.items.length === 0) contents.flow = false;
  for (const { id, reason, flaky } of written) {
    const known = contents.get(id, true);
    if (isMap(known)) {
      if (flaky === null) known.delete("flaky");
      else known.set("flaky", encodeFlaky(flaky));
    } else {
      const kept = isScalar(known) ? String(known.value) : reason;
      contents.set(id, document.createNode({ reason: kept, ...(flaky === null ? {} : { flaky: encodeFlaky(flaky) }) }));
    }
  }
  return document.toString({ lineWidth: 0 });
}

function encodeFlaky({ failed, of }: NonNullable<BaselineEntry["flaky"]>): string {
  return `${failed}/${of}`;
}

function inlineAliases(document: Document): void {
  const aliases = resolveAliases(document);
  visit(document, {
    Node(_, node) {
      const copy = aliases.get(node)?.clone();
      return isMap(copy) || isScalar(copy) || isSeq(copy) ? copy : undefined;
    },
  });
  visit(document, {
    Value(_, node) {
      delete node.anchor;
    },
  });
}
