/** The helpers of the type tests must be able to fail. */
import type { Assert, AssignableBut, Same, UnassignableKeys } from "./type-check.ts";

interface Narrow {
  id: string;
  kind: "a";
  name?: string;
}
interface Wide {
  id: string;
  kind: "a" | "b";
  name?: string | null;
}

export type Tests = [
  Assert<Same<UnassignableKeys<Narrow, Wide>, never>>,
  Assert<Same<UnassignableKeys<Wide, Narrow>, "kind">>,
  Assert<Same<UnassignableKeys<Omit<Narrow, "id">, Narrow>, "id">>,
  Assert<Same<UnassignableKeys<Narrow, Omit<Narrow, "name">>, "name">>,
  Assert<AssignableBut<{ kind: "b is ours" }, Wide, Narrow>>,
  // @ts-expect-error a gap that is not listed
  Assert<AssignableBut<{}, Wide, Narrow>>,
  // @ts-expect-error a listed gap that is none
  Assert<AssignableBut<{ kind: "b is ours"; id: "obsolete" }, Wide, Narrow>>,
  // @ts-expect-error a required property against an optional one
  Assert<AssignableBut<{}, { id?: string }, { id: string }>>,
];
