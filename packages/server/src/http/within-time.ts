/** A limit on how long something may take that can't be stopped. */

import type { AiError } from "@openai-compat/core";

/**
 * @param onLate what becomes of a result that comes too late. Default: nothing does.
 * @throws what `describe` returns when `work` takes longer; else what `work` throws
 */
export async function withinTime<Result>(
  work: Promise<Result>,
  timeMsMax: number,
  { describe, onLate = () => {} }: { readonly describe: () => AiError; readonly onLate?: (result: Result) => void },
): Promise<Result> {
  let isLate = false;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      isLate = true;
      reject(describe());
    }, timeMsMax);
  });
  const watched = work.then((result) => {
    if (isLate) onLate(result);
    return result;
  });
  try {
    return await Promise.race([watched, late]);
  } finally {
    clearTimeout(timer);
    // Nobody waits for it any more.
    if (isLate) void watched.catch(() => {});
  }
}
