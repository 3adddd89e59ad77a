/**
 * The WebAssembly decoders print every damaged frame to the console, and a hostile file has thousands. They report the
 * same in their results.
 */

/** Runs a decoder's call, whose lines on standard error are dropped. */
export async function quietly<Result>(call: () => Result | Promise<Result>): Promise<Result> {
  const original = console.error;
  console.error = drop;
  try {
    return await call();
  } finally {
    console.error = original;
  }
}

const drop = () => {};
