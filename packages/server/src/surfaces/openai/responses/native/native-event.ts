/** An event of an upstream's own response, as it came. */

export interface NativeEvent {
  readonly type: "native-event";
  /** With a `type` of its own. */
  readonly event: Readonly<Record<string, unknown>>;
}
