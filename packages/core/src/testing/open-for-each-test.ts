/** Opens what each test of a contract suite needs, and closes it after the test. Import it from a test file only. */

import { afterEach } from "vitest";

/** @param make opens one more each time. */
export function openForEachTest<Opened extends { readonly close: () => Promise<void> }>(
  make: () => Opened | Promise<Opened>,
): () => Promise<Opened> {
  const opened: Opened[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });
  return async () => {
    const one = await make();
    opened.push(one);
    return one;
  };
}
