/**
 * The script of the HTML report: search, filters, copying, and opening what the address names. It reads the page and
 * changes what is shown; it makes no markup, so that no text can become any.
 */

export const PAGE_SCRIPT = `
"use strict";
const form = document.getElementById("filter");
const count = document.getElementById("count");
const checks = [...document.querySelectorAll("#list > details")];
const texts = new Map();
function textOf(check) {
  let text = texts.get(check);
  if (text === undefined) texts.set(check, (text = check.textContent.toLowerCase()));
  return text;
}
function apply() {
  const data = new FormData(form);
  const words = String(data.get("text")).toLowerCase().split(/\\s+/).filter((word) => word !== "");
  const outcomes = new Set(data.getAll("outcome"));
  let shown = 0;
  for (const check of checks) {
    const { outcome, area, level } = check.dataset;
    const isShown = outcomes.has(outcome) && ["", area].includes(data.get("area")) &&
      ["", level].includes(data.get("level")) && words.every((word) => textOf(check).includes(word));
    check.hidden = !isShown;
    if (isShown) shown += 1;
  }
  count.textContent = shown + " of " + checks.length + " checks shown";
}
function openTarget() {
  const check = document.getElementById(location.hash.slice(1));
  if (!(check instanceof HTMLDetailsElement)) return;
  check.hidden = false;
  check.open = true;
  check.scrollIntoView();
}
const OPENED_MAX = 200;
document.getElementById("expand").addEventListener("click", () => {
  for (const check of checks.filter(({ hidden }) => !hidden).slice(0, OPENED_MAX)) check.open = true;
});
form.addEventListener("input", apply);
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", openTarget);
if (navigator.clipboard !== undefined) {
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.parentElement.nextElementSibling.textContent);
      button.textContent = "Copied";
    });
  }
}
form.hidden = false;
apply();
openTarget();
`;
