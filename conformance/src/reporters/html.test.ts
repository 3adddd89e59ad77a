import { createHash } from "node:crypto";
import fc from "fast-check";
import { parse, type DefaultTreeAdapterTypes as Tree } from "parse5";
import { expect, test } from "vitest";
import type { RunReport } from "../report.ts";
import { sampleReport } from "../sample-report.fixture.ts";
import { harmlessReport, hostileReport } from "./hostile-report.fixture.ts";
import { encodeHtml } from "./html.ts";

/** Every element with its attributes' names, and the values of those that can load or run something. */
function outline(page: string): readonly string[] {
  const found: string[] = [];
  const visit = (node: Tree.Node): void => {
    if ("attrs" in node) {
      const attributes = node.attrs.map(({ name, value }) =>
        /^(?:href|src|on|style)/.test(name) ? `${name}=${value}` : name,
      );
      found.push(`${node.tagName} ${attributes.join(" ")}`);
    }
    if ("childNodes" in node) node.childNodes.forEach(visit);
  };
  visit(parse(page));
  return found;
}

test("no text of a target is markup, an attribute, a style or a script", () => {
  const allowed = outline(encodeHtml(harmlessReport));
  fc.assert(
    fc.property(hostileReport, (report) => {
      expect(outline(encodeHtml(report))).toEqual(allowed);
    }),
  );
});

test("a page loads nothing: it has no address but links to rules and its own checks", () => {
  const page = encodeHtml(sampleReport);
  const addresses = outline(page).flatMap((line) => /(?:href|src)=(\S*)/.exec(line)?.[1] ?? []);
  expect(addresses).toContain("https://www.rfc-editor.org/rfc/rfc9110");
  for (const address of addresses)
    expect(address).toMatch(/^(?:#chat\.sample\.[\w-]+|https:\/\/www\.rfc-editor\.org\/)/);
  expect(page).toContain("default-src 'none'".replaceAll("'", "&#39;"));
});

/** As long as a whole run, with as many failures as a server that does nothing right. */
function createLongReport(length: number, failures: number): RunReport {
  const find = (outcome: string) => sampleReport.checks.filter((check) => check.outcome === outcome);
  const [fail, pass] = [...find("fail"), ...find("pass")];
  if (fail === undefined || pass === undefined) throw new Error("the sample has no such checks");
  const { trace } = fail;
  if (trace === null) throw new Error("the sample has no trace");
  const long = trace.exchanges.map((exchange) => ({ ...exchange, notes: ["x".repeat(14_000)] }));
  const checks = Array.from({ length }, (_, index) =>
    index < failures
      ? { ...fail, id: `chat.fail-${index}`, actual: `status ${index}`, trace: { ...trace, exchanges: long } }
      : { ...pass, id: `chat.pass-${index}` },
  );
  return { ...sampleReport, checks };
}

test("1,800 checks with 400 long traces make a page of bounded size that names each check", () => {
  const page = encodeHtml(createLongReport(1800, 400));
  expect(page.length).toBeLessThan(8_000_000);
  expect(page.match(/<details id="chat\./g)).toHaveLength(1800);
  expect(page).toContain("The trace is left out");
});

test("the content security policy lets the page's own style and script in, and nothing else", () => {
  const page = encodeHtml(sampleReport);
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replaceAll("&#39;", "'");
  for (const name of ["style", "script"]) {
    const texts = [...page.matchAll(new RegExp(`<${name}>([^]*?)</${name}>`, "g"))].map(([, text = ""]) => text);
    expect(texts).toHaveLength(1);
    const digest = createHash("sha256")
      .update(texts[0] ?? "")
      .digest("base64");
    expect(policy).toContain(`${name}-src 'sha256-${digest}'`);
  }
});
