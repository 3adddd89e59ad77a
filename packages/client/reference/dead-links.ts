/** Finds links of a Markdown page that lead nowhere: files that are not there, headings that no page has. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

const CODE = /^```.*?^```$|`[^`\n]*`/gms;

/** As GitHub makes the anchor of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");
}

function listAnchors(page: string): readonly string[] {
  const text = page.replaceAll(/^```.*?^```$/gms, "");
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));
}

/** @returns the targets that don't exist; addresses of the web are not tried */
export function findDeadLinks(file: string): readonly string[] {
  const page = readFileSync(file, "utf8");
  const targets = [...page.replaceAll(CODE, "").matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [name = "", anchor] = target.split("#");
    const linked = name === "" ? file : path.join(path.dirname(file), name);
    if (!existsSync(linked)) return true;
    return anchor !== undefined && !listAnchors(readFileSync(linked, "utf8")).includes(anchor);
  });
}
