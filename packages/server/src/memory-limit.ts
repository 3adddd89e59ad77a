/** The default limit of the memory of local models. */

import { totalmem } from "node:os";
import type { Config } from "./config.ts";
import { findEngineKind } from "./engine-kinds/index.ts";

/** What is left belongs to requests, the runtime and the machine. */
const MEMORY_SHARE = 0.8;

/**
 * Bytes that all models together may take; null: no limit. Where a model uses a GPU, most of it lies in memory that is
 * not this machine's, so only a configured limit applies.
 *
 * @param availableBytes default: what the machine, or the container, gives this process
 */
export function resolveMemoryLimit(
  { memory, models }: Pick<Config, "memory" | "models">,
  availableBytes: number = findAvailableBytes(),
): number | null {
  if (memory.modelBytesMax !== null) return memory.modelBytesMax;
  if (models.some(({ engine }) => findEngineKind(engine).usesGpu?.(engine))) return null;
  return Math.floor(availableBytes * MEMORY_SHARE);
}

/** Without a limit of its own, the constraint is 0 or beyond what the machine has. */
function findAvailableBytes(): number {
  const constraint = process.constrainedMemory();
  return constraint > 0 ? Math.min(constraint, totalmem()) : totalmem();
}
