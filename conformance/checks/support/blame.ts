/** Whether refusals say in `param` which field is wrong. */

import type { Exchange } from "../../src/exchange.ts";
import { expectErrorEnvelope, expectThat } from "../../src/expect.ts";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import type { Owners } from "../../src/owners.ts";
import { expectRefused } from "./envelope.ts";
import { statusOwners } from "./owners.ts";

/** What is wrong in one field. */
export interface Blamed {
  readonly slug: string;
  readonly param: string;
}

/**
 * That each request which is refused is so in the name of its field. Which of them are refused at all is judged by other
 * checks. @throws Failure, Inconclusive where none is
 */
export async function expectBlamed<Row extends Blamed>(
  rows: readonly Row[],
  ask: (row: Row) => Promise<Exchange>,
): Promise<void> {
  let refused = 0;
  let owners: Owners | undefined;
  for (const row of rows) {
    const exchange = await ask(row);
    owners ??= statusOwners(exchange, 400);
    const param = readBlame(exchange);
    if (param === undefined) continue;
    refused += 1;
    const actual = `${JSON.stringify(param)} for ${row.slug}`;
    const holds = param?.startsWith(row.param) === true;
    expectThat(holds, { observer: "schema", expected: `a param that begins with ${row.param}`, actual });
  }
  if (refused === 0 && owners !== undefined)
    throw new Inconclusive("none of these requests is refused with an envelope", owners);
}

/** Undefined where nothing was refused with an envelope. */
function readBlame(exchange: Exchange): string | null | undefined {
  try {
    expectRefused(exchange);
    return expectErrorEnvelope(exchange).param ?? null;
  } catch (thrown) {
    if (thrown instanceof Failure) return undefined;
    throw thrown;
  }
}
