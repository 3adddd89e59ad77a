/** Places in JSON, as `choices[].message.content`: which there are in a value, and how one is changed. */

/** Stands for the value to take a member away. */
export const ABSENT: unique symbol = Symbol("absent");

/** Deeper members belong to values that a model or a caller has written. */
const DEPTH_MAX = 9;
/** A member with another name is a key of a map: a token, a word. */
const MEMBER = /^[a-z][a-z_0-9]*$/i;
/** Whose members are a caller's own. */
const MAPS = /(?:^|\.)(?:metadata|attributes|properties)$/;

export interface Place {
  readonly path: string;
  readonly value: unknown;
}

/** Every member and every element of a value; equal places of a list's elements have the same path. */
export function listPlaces(value: unknown, path = "", depth = 0): readonly Place[] {
  const own = path === "" ? [] : [{ path, value }];
  if (depth >= DEPTH_MAX || typeof value !== "object" || value === null) return own;
  if (Array.isArray(value)) {
    return [...own, ...value.flatMap((element: unknown) => listPlaces(element, `${path}[]`, depth + 1))];
  }
  const isMap = MAPS.test(path) || Object.keys(value).some((name) => !MEMBER.test(name));
  const members = Object.entries(value).flatMap(([name, member]) =>
    listPlaces(member, `${path === "" ? "" : `${path}.`}${isMap ? "*" : name}`, depth + 1),
  );
  return [...own, ...members];
}

/** Changes each value at the path; the very same value is returned where nothing changes. */
export function changePlace(value: unknown, path: string, change: (old: unknown) => unknown): unknown {
  return changeAt(value, path.match(/\[\]|[^.[\]]+/g) ?? [], change);
}

function changeAt(value: unknown, segments: readonly string[], change: (old: unknown) => unknown): unknown {
  const [segment, ...rest] = segments;
  if (segment === undefined) return change(value);
  if (typeof value !== "object" || value === null) return value;
  if (segment === "[]") return Array.isArray(value) ? changeElements(value, rest, change) : value;
  const names = segment === "*" ? Object.keys(value) : Object.hasOwn(value, segment) ? [segment] : [];
  const changed = names.map((name) => [
    name,
    Reflect.get(value, name),
    changeAt(Reflect.get(value, name), rest, change),
  ]);
  if (changed.every(([, before, after]) => before === after)) return value;
  const kept = new Map(changed.map(([name, , after]) => [name, after]));
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      const after: unknown = kept.has(name) ? kept.get(name) : member;
      return after === ABSENT ? [] : [[name, after]];
    }),
  );
}

function changeElements(list: readonly unknown[], rest: readonly string[], change: (old: unknown) => unknown): unknown {
  const changed = list.map((element) => changeAt(element, rest, change));
  if (changed.every((element, index) => element === list[index])) return list;
  return changed.filter((element) => element !== ABSENT);
}
