/** From the input of an operation to its form, in the spelling of the official SDKs. */

/**
 * Lists are sent as `name[]`, once per element, objects as `name[key]`. `undefined` and `null` are left out, as a form has
 * neither.
 */
export function encodeForm(input: Readonly<Record<string, unknown>>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(input)) append(form, name, value);
  return form;
}

function append(form: FormData, name: string, value: unknown): void {
  if (value === undefined || value === null) return;
  if (value instanceof File) form.append(name, value, value.name);
  else if (Array.isArray(value)) for (const element of value) append(form, `${name}[]`, element);
  else if (typeof value === "object")
    for (const [key, inner] of Object.entries(value)) append(form, `${name}[${key}]`, inner);
  else if (typeof value === "string") form.append(name, value);
  else form.append(name, JSON.stringify(value));
}
