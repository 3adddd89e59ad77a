/** A store that fails is the server's fault, and worth another try: never the bare error of its library. */

import { AiError } from "@openai-compat/core";

/** @throws AiError `store_unavailable` */
export async function askStore<Answer>(asking: Promise<Answer>): Promise<Answer> {
  try {
    return await asking;
  } catch (thrown) {
    if (thrown instanceof AiError) throw thrown;
    throw new AiError("store_unavailable", "The store of the server does not answer. Please try again.", {
      cause: thrown,
    });
  }
}

/** The same store, all of whose methods fail as `askStore` does. */
export function guardStore<Store extends object>(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...values: readonly unknown[]) => askStore(Promise.resolve(Reflect.apply(member, target, values)));
    },
  });
}
