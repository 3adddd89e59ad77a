/**
 * Checks the files of an installation: their paths, their permissions, the strength of their secrets. It changes
 * nothing.
 */

import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { describeReason } from "../describe-thrown.ts";
import type { Config } from "../config.ts";
import { isPersistent } from "../stores/open-stores.ts";
import type { Finding } from "./doctor-finding.ts";
import { SECRET_FILE, SECRET_LENGTH_MIN } from "./token-secret.ts";
import { findLooseFiles } from "./loose-files.ts";

/** Of a random secret of 32 characters or more; typed ones have fewer. */
const DISTINCT_CHARACTERS_MIN = 12;

/** @param configFile null when there is none. */
export function examineFiles(config: Config, configFile: string | null): readonly Finding[] {
  const loose: readonly Finding[] = findLooseFiles(config, configFile).map((file) => ({ ...file, status: "warn" }));
  const directory = examineDataDirectory(config);
  const isLoose = loose.some(({ about }) => about === directory.about);
  return [...loose, ...(directory.status === "ok" && isLoose ? [] : [directory]), examineSecret(config)];
}

function examineDataDirectory(config: Config): Finding {
  const { dataDirectory: path } = config;
  const about = "data directory";
  if (!isPersistent(config)) return { about, status: "ok", message: "none is used: the store is in memory" };
  if (!existsSync(path)) {
    const parent = findExisting(path);
    if (statSync(parent).isDirectory() && isWritable(parent)) {
      return { about, status: "ok", message: `${path} will be made by the first start` };
    }
    return { about, status: "fail", message: `${path} can't be made: ${parent} is no directory, or not writable` };
  }
  if (!statSync(path).isDirectory()) {
    return { about, status: "fail", message: `${path} is a file: choose another with --data-directory` };
  }
  if (!isWritable(path)) return { about, status: "fail", message: `${path} is not writable for this user` };
  return { about, status: "ok", message: `${path} is writable, and for its owner alone` };
}

function examineSecret(config: Config): Finding {
  const { auth, dataDirectory } = config;
  const about = "token secret";
  if (auth.jwtSecret !== null) return judgeSecret(about, auth.jwtSecret, "auth.jwtSecret");
  const path = join(dataDirectory, SECRET_FILE);
  if (!isPersistent(config) || !existsSync(path)) {
    return { about, status: "ok", message: "it will be made by the first start" };
  }
  try {
    return judgeSecret(about, readFileSync(path, "utf8").trim(), path);
  } catch (thrown) {
    return { about, status: "fail", message: `${path} can't be read: ${describeReason(thrown)}` };
  }
}

function judgeSecret(about: string, secret: string, place: string): Finding {
  if (secret.length < SECRET_LENGTH_MIN) {
    const message = `${place} holds fewer than ${SECRET_LENGTH_MIN} characters: remove it to have one made`;
    return { about, status: "fail", message };
  }
  if (new Set(secret).size < DISTINCT_CHARACTERS_MIN) {
    const message = `${place} does not look random: make one with openssl rand -base64 32`;
    return { about, status: "warn", message };
  }
  return { about, status: "ok", message: `${place} is long and looks random` };
}

function findExisting(path: string): string {
  return existsSync(path) ? path : findExisting(dirname(path));
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
