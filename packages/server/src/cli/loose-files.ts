/**
 * Files whose secrets other users of the machine could read, or which they could replace: the data directory, what is
 * in it, the configuration file, and the key of a certificate. It only looks. Windows has no such modes: there nothing is found.
 */

import { existsSync, realpathSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { mapTexts, readMarks } from "../config-schema.ts";
import { configSchema } from "../config.ts";
import type { Config } from "../config.ts";
import { DATABASE_FILE, isPersistent } from "../stores/open-stores.ts";
import { SECRET_FILE } from "./token-secret.ts";

export interface LooseFile {
  readonly about: "configuration" | "data directory";
  /** Which file, what is wrong with it, and what to type. */
  readonly message: string;
}

/** Of group and others. */
const READ = 0o044;
const WRITE = 0o022;
const ANYTHING = 0o077;
/** In such a directory any user may make files, and only their owner can replace them. */
const STICKY = 0o1000;
const ROOT = 0;

/** @param configFile null when there is none. */
export function findLooseFiles(config: Config, configFile: string | null): readonly LooseFile[] {
  if (process.platform === "win32") return [];
  return [...examineConfigFile(config, configFile), ...examineTlsKey(config), ...examineDataDirectory(config)];
}

function examineTlsKey({ tls: { keyPath } }: Config): readonly LooseFile[] {
  if (keyPath === null) return [];
  const messages = [...examine(keyPath, READ | WRITE, "600"), ...examineFolders(keyPath)];
  return messages.map((message) => ({ about: "configuration", message }));
}

function examineConfigFile(config: Config, file: string | null): readonly LooseFile[] {
  if (file === null) return [];
  const about = "configuration";
  const mask = holdsSecret(config) ? READ | WRITE : WRITE;
  return [...examine(file, mask, "600"), ...examineFolders(file)].map((message) => ({ about, message }));
}

function holdsSecret(config: Config): boolean {
  let isFound = false;
  mapTexts(configSchema, config, (text, schema) => {
    isFound ||= readMarks(schema).isSecret === true;
    return text;
  });
  return isFound;
}

/** SQLite's side files hold what its file holds. */
const KEPT_FILES = [SECRET_FILE, DATABASE_FILE, `${DATABASE_FILE}-wal`, `${DATABASE_FILE}-shm`];

function examineDataDirectory(config: Config): readonly LooseFile[] {
  const { dataDirectory } = config;
  if (!isPersistent(config) || look(dataDirectory)?.isDirectory() === false) return [];
  const messages = [
    ...examine(dataDirectory, ANYTHING, "700"),
    ...KEPT_FILES.flatMap((name) => examine(join(dataDirectory, name), READ | WRITE, "600")),
    ...examineFolders(dataDirectory),
  ];
  return messages.map((message) => ({ about: "data directory", message }));
}

/** @param mask what others must not have. @param mode what would be right, as `chmod` takes it. */
function examine(path: string, mask: number, mode: string): readonly string[] {
  const found = look(path);
  if (found === null) return [];
  if (isForeign(found)) return [`${path} belongs to another user: sudo chown "$(id -u)" ${path}`];
  if ((found.mode & mask) === 0) return [];
  const what = found.isDirectory() ? "enter" : "read";
  const verbs = (found.mode & mask & WRITE) === 0 ? `may ${what}` : `may ${what} and change`;
  return [`others ${verbs} ${path}: chmod ${mode} ${path}`];
}

/** A user who may write in a parent directory can replace the file, whatever its own mode is. */
function examineFolders(path: string): readonly string[] {
  const folders = new Set([
    ...listFolders(resolve(path)),
    ...(existsSync(path) ? listFolders(realpathSync(path)) : []),
  ]);
  return [...folders].flatMap((folder) => {
    const found = look(folder);
    if (found === null) return [];
    if (isForeign(found)) return [`the owner of ${folder} can replace ${path}: move it to a folder of your own`];
    const isOpen = (found.mode & WRITE) !== 0 && (found.mode & STICKY) === 0;
    return isOpen ? [`others may replace ${path}, because they may write in ${folder}: chmod go-w ${folder}`] : [];
  });
}

function listFolders(path: string): readonly string[] {
  const folder = dirname(path);
  return folder === path ? [] : [folder, ...listFolders(folder)];
}

/** Null for what is not there or can't be read: opening it reports why. */
function look(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/** The administrator can do everything anyway. */
function isForeign({ uid }: Stats): boolean {
  return uid !== ROOT && uid !== process.getuid?.();
}
