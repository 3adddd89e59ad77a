/**
 * Helpers of the type tests, which hold our types against those of the official SDK. Nothing here exists at run time.
 */

/** Compiles only for `true`. */
export type Assert<Statement extends true> = Statement;

/** Whether each of two types can be used as the other. */
export type Same<Left, Right> = [Left, Right] extends [Right, Left] ? true : false;

/**
 * The type as it is meant on the wire: `null` and `undefined` in an optional property mean that it is absent. The rule
 * is ours (see `createChatCompletionRequestSchema`); without this, every optional property would differ by it.
 */
export type Wire<Value> = Value extends string | number | boolean | null | undefined
  ? Value
  : Value extends readonly (infer Element)[]
    ? Wire<Element>[]
    : Value extends object
      ? {
          [Key in keyof Value]: object extends Pick<Value, Key>
            ? Wire<Exclude<Value[Key], null | undefined>>
            : Wire<Value[Key]>;
        }
      : Value;

/** The keys that only one of the types has, or under which a `Source` could not be used as a `Target`. */
export type UnassignableKeys<Source, Target> = UnassignableWireKeys<Wire<Source>, Wire<Target>>;

type UnassignableWireKeys<Source, Target> = {
  [Key in keyof Source | keyof Target]-?: Key extends keyof Source & keyof Target
    ? Pick<Source, Key> extends Pick<Target, Key>
      ? never
      : Key
    : Key;
}[keyof Source | keyof Target];

/** What differs on purpose: the key and the reason. */
export type Gaps = Readonly<Record<string, string>>;

/**
 * Whether exactly the listed keys keep a `Source` from being used as a `Target`. A key that no longer does makes it
 * `false`, as does one that is not listed.
 */
export type AssignableBut<Listed extends Gaps, Source, Target> = Same<keyof Listed, UnassignableKeys<Source, Target>>;
