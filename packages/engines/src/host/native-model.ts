/**
 * What runs in a process of its own: a model behind functions whose arguments, answers and events can be structured-cloned. The server
 * gets an object of the same type whose functions reach that process, so nothing here may depend on identity or shared memory.
 */

/** @throws the signal's reason after its abort; any other error reaches the caller as an `AiError` */
export type NativeAnswer<Argument, Answer> = (argument: Argument, signal: AbortSignal) => Promise<Answer>;

/** As `NativeAnswer`. A consumer that leaves early aborts the signal too. */
export type NativeStream<Argument, Event> = (argument: Argument, signal: AbortSignal) => AsyncIterable<Event>;

export interface NativeModel {
  readonly answers: Readonly<Record<string, NativeAnswer<never, unknown>>>;
  readonly streams: Readonly<Record<string, NativeStream<never, unknown>>>;
  /** Resident memory of processes that it has started. Default: it starts none. */
  readonly otherBytes?: () => number;
  /** Called once, when no call runs. */
  dispose(): Promise<void>;
}

/** What the native library says of itself. */
export interface NativeLine {
  readonly level: "warn" | "error";
  readonly line: string;
}

/** Gets the warnings and errors of the native library. A text of several lines is cut to its first. */
export type NativeLog = (level: NativeLine["level"], line: string) => void;

/** Loads models of one kind. Its settings are plain data; it imports the native library when it is called. */
export type OpenNativeModel<Settings, Model extends NativeModel> = (
  settings: Settings,
  log: NativeLog,
) => Promise<Model>;

/** What a child process can load, by name. */
export type NativeKinds = Readonly<Record<string, OpenNativeModel<never, NativeModel>>>;
