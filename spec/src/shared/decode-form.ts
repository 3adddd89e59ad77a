/**
 * From the fields of a form (`multipart/form-data`) to one object, as a request schema expects it. It knows how names
 * spell lists and objects; it reads no bytes and knows no endpoint.
 */

/** `languages[]` or `chunking_strategy[type]`: the field, and what stands in its brackets. */
const BRACKETED_NAME = /^([^[\]]+)\[([^[\]]*)\]$/;

/** As in `languages[0]`. */
const INDEX = /^(?:0|[1-9]\d{0,5})$/;

interface FieldValues {
  readonly values: unknown[];
  readonly properties: Map<string, unknown>;
  isList: boolean;
}

/**
 * Gathers the fields by name, in any order: `a[]` makes a list of one or more, and so do `a[0]`, `a[1]`, in the order of
 * their numbers; `a[key]` makes a property of an object, and a plain name its value. A name that comes twice is a list, so that a schema can refuse it. Other brackets are kept as
 * part of the name. Texts stay texts; `formNumber`, `formBoolean` and `formList` take them from there.
 *
 * The spelling without numbers is that of the official SDKs: `iterateFormValue` of
 * https://github.com/openai/openai-node/blob/master/src/internal/uploads.ts
 */
export function decodeForm(fields: Iterable<readonly [name: string, value: unknown]>): Record<string, unknown> {
  const byName = new Map<string, FieldValues>();
  for (const [name, value] of fields) {
    const [, field = name, key] = BRACKETED_NAME.exec(name) ?? [];
    const gathered = byName.get(field) ?? { values: [], properties: new Map<string, unknown>(), isList: false };
    byName.set(field, gathered);
    if (key === undefined || key === "") gathered.values.push(value);
    else gathered.properties.set(key, value);
    if (key === "") gathered.isList = true;
  }
  return Object.fromEntries([...byName].map(([field, gathered]) => [field, joinValues(gathered)]));
}

function joinValues({ values, properties, isList }: FieldValues): unknown {
  const keys = [...properties.keys()];
  if (keys.length > 0 && keys.every((key) => INDEX.test(key))) {
    const inOrder = keys.toSorted((left, right) => Number(left) - Number(right));
    return [...values, ...inOrder.map((key) => properties.get(key))];
  }
  const parts = properties.size === 0 ? values : [...values, Object.fromEntries(properties)];
  return isList || parts.length > 1 ? parts : parts[0];
}
