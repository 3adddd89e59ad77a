/** Splits the arguments of `pnpm conformance` into those of the built-in target and those of the suite. */

export interface OurServerChoice {
  /**
   * `small`: fast models, enough for the protocol; `auto`: the best; `upstream`: in front of a second one of ours;
   * `upstream-native`: the same, with responses of the second one's own.
   */
  readonly engines: "auto" | "small" | "scripted" | "upstream" | "upstream-native";
  readonly readyTimeMsMax: number;
}

export interface ConformanceArguments {
  /** How to start our own server; `null` when the arguments name a target, or need none. */
  readonly server: OurServerChoice | null;
  /** Goes to the suite as it is. */
  readonly suite: readonly string[];
}

/** Long enough to pull models over a slow line. */
const READY_TIME_SECONDS = 1800;

const NEEDS_NO_SERVER = new Set(["--base-url", "--target", "--help", "-h", "--version", "-V"]);

const ENGINE_CHOICES = ["small", "auto", "scripted", "upstream", "upstream-native"] as const;

function isEngineChoice(text: string): text is OurServerChoice["engines"] {
  return ENGINE_CHOICES.some((choice) => choice === text);
}

/** Takes every `name VALUE` and `name=VALUE` out of `words`. @returns the last value */
function takeOption(words: string[], name: string): string | null {
  let value: string | null = null;
  for (let index = 0; index < words.length;) {
    const word = words[index] ?? "";
    if (word === name) {
      const [, given] = words.splice(index, 2);
      if (given === undefined) throw new Error(`${name} needs a value.`);
      value = given;
    } else if (word.startsWith(`${name}=`)) {
      words.splice(index, 1);
      value = word.slice(name.length + 1);
    } else index += 1;
  }
  return value;
}

/**
 * @param words what follows the command; a leading `--`, which package managers pass on, is dropped
 * @throws Error for a wrong value of `--engines` (small, auto, scripted, upstream, upstream-native) or `--ready-timeout` (seconds,
 *   default 1800)
 */
export function readConformanceArguments(words: readonly string[]): ConformanceArguments {
  const suite = words[0] === "--" ? words.slice(1) : [...words];
  const engines = takeOption(suite, "--engines");
  if (engines !== null && !isEngineChoice(engines)) {
    throw new Error(`--engines is ${ENGINE_CHOICES.join(", ")}, not ${engines}.`);
  }
  const readyTime = takeOption(suite, "--ready-timeout");
  const readySeconds = readyTime === null ? READY_TIME_SECONDS : Number(readyTime);
  if (!(readySeconds > 0 && readySeconds <= 86_400)) {
    throw new Error(`--ready-timeout is a number of seconds from 1 to 86400, not ${readyTime}.`);
  }
  const [command = "run"] = suite;
  const isRun = command === "run" || command.startsWith("-");
  if (!isRun || suite.some((word) => NEEDS_NO_SERVER.has(word.split("=", 1)[0] ?? ""))) return { server: null, suite };
  // A plan is about keys and model names: no model has to be pulled for it.
  const defaultEngines = suite.includes("--plan") ? "scripted" : "small";
  return { server: { engines: engines ?? defaultEngines, readyTimeMsMax: readySeconds * 1000 }, suite };
}
