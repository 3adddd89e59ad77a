/** What the kinds of models on ONNX Runtime share: they need ONNX Runtime and files of the catalogue. */

import { findOnnxProblem, listCatalogue } from "@openai-compat/engines";
import type { CatalogueEntry } from "@openai-compat/engines";
import { describeOnnxInstall } from "../cli/invocation.ts";

/** @returns why ONNX Runtime does not run here and what to do; null when it does */
export async function findOnnxLibraryProblem(): Promise<string | null> {
  const problem = await findOnnxProblem();
  if (problem === null) return null;
  return problem.isMissing ? `${problem.reason} Install it with: ${describeOnnxInstall()}` : problem.reason;
}

/** @throws Error for an id that the catalogue doesn't have */
export function findCatalogueEntry(id: string): CatalogueEntry {
  const found = listCatalogue().find((entry) => entry.id === id);
  if (found === undefined) throw new Error(`The catalogue has no ${id}.`);
  return found;
}
