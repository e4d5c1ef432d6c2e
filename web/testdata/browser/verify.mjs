// Gives bundles to the static page in Chromium, opened as a file without a network
// and as the ledger serves it. node verify.mjs CHROMIUM FILE-URL HTTP-URL LIST.json
// [PICTURES] writes a line for each complaint and ends with 1 if there are any.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [program, file, http, listFile, pictures] = process.argv.slice(2);
const bundles = JSON.parse(readFileSync(listFile, "utf8")); // [{name, bundle, policy, verdict, code, position, by_rules}]
const sound = bundles.find((b) => b.name === "sound");
const tampered = bundles.find((b) => b.name === "leaf-bit-flipped");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const rules = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };

let complaints = 0;
const complain = (where, what) => {
  complaints++;
  console.log(`${where}: ${what}`);
};
const must = (truth, where, what) => truth || complain(where, what);

const browser = await chromium.launch({
  executablePath: program,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});

// open opens the page, which complains of errors, of dialogs, and of every request
// but the one for itself.
async function open(url, where, options, script) {
  const context = await browser.newContext({ locale: "id-ID", reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  if (script) await page.addInitScript(script);
  page.on("console", (m) => { if (m.type() === "error" || m.type() === "warning") complain(where, m.text()); });
  page.on("pageerror", (e) => complain(where, String(e)));
  page.on("dialog", (d) => { complain(where, "dialog " + d.message()); d.dismiss(); });
  page.on("request", (r) => { if (r.url() !== url && !r.url().startsWith("data:")) complain(where, "asks " + r.url()); });
  await page.goto(url);
  await context.setOffline(true); // from here on there is no network
  return { context, page };
}

async function give(page, b) {
  await page.setInputFiles("#policy-file", b.policy);
  await page.setInputFiles("#bundle", b.bundle);
}
async function judged(page, b) {
  await give(page, b);
  await page.click("#go");
  await page.waitForSelector("#result[data-verdict]");
}

// Every bundle of the table: the page finds what the program finds.
async function table() {
  const { context, page } = await open(file, "table", { viewport: { width: 1000, height: 900 } });
  for (const b of bundles) {
    await give(page, b);
    await page.evaluate(() => document.querySelector("#form").requestSubmit());
    await page.waitForSelector("#result[data-verdict]");
    const got = await page.evaluate(() => ({
      verdict: document.querySelector("#result").dataset.verdict,
      unknown: document.querySelector("#result").textContent.includes("whose kind this page does not know"),
      codes: [...document.querySelectorAll("#result [data-code]")].map((e) => [e.dataset.code, Number(e.dataset.position || 0)]),
      detail: document.querySelector("#result .outcome").innerText,
      markup: document.querySelectorAll("#result img, #result script").length,
      steps: document.querySelectorAll("#result .steps > li").length,
    }));
    const want = b.by_rules ? "valid" : b.verdict;
    must(got.verdict === want, b.name, `${got.verdict}, not ${want}: ${JSON.stringify(got.codes)} ${got.detail}`);
    must(b.by_rules || !b.code || got.codes.some(([c, p]) => c === b.code && (!b.position || b.verdict === "unchecked" || p === b.position)), b.name, `no ${b.code} at ${b.position} among ${JSON.stringify(got.codes)}`);
    must(got.verdict !== "valid" || got.codes.length === 0, b.name, "valid with findings");
    must(got.verdict !== "valid" || got.steps > 3, b.name, "valid without a history");
    must(b.name !== "unknown-kind" || got.unknown, b.name, "it does not say what was not judged");
    must(got.markup === 0, b.name, "text became markup");
  }
  await context.close();
}

// The page that the ledger serves, under its header's policy, and a pasted policy.
async function served() {
  const { context, page } = await open(http, "served", { viewport: { width: 1000, height: 900 } });
  for (const b of [sound, tampered]) {
    await page.setInputFiles("#policy-file", []);
    await page.fill("#policy", readFileSync(b.policy, "utf8"));
    await page.setInputFiles("#bundle", b.bundle);
    await page.click("#go");
    await page.waitForSelector("#result[data-verdict]");
    must((await page.getAttribute("#result", "data-verdict")) === b.verdict, "served", b.name);
    await page.fill("#policy", "");
    must(!(await page.isVisible("#result")), "served", "a verdict stands beside another policy");
  }
  await context.close();
}

// Browsers that cannot: never a verdict on the bundle.
async function unable() {
  const lies = {
    insecure: () => Object.defineProperty(Crypto.prototype, "subtle", { get: () => undefined }),
    old: () => { SubtleCrypto.prototype.importKey = () => Promise.reject(new DOMException("", "NotSupportedError")); },
    "old (says yes to everything)": () => { SubtleCrypto.prototype.verify = async () => true; },
    "unexpected (fails on the way)": () => {
      const digest = SubtleCrypto.prototype.digest;
      let n = 0;
      SubtleCrypto.prototype.digest = function (...args) { return ++n > 60 ? Promise.reject(new Error("out of memory")) : digest.apply(this, args); };
    },
  };
  for (const [name, script] of Object.entries(lies)) {
    const { context, page } = await open(file, name, {}, script);
    await judged(page, sound);
    must((await page.getAttribute("#result", "data-verdict")) === "unchecked", name, "a verdict was given");
    must((await page.locator(`#result [data-code="${name.split(" ")[0]}"]`).count()) === 1, name, "says " + (await page.innerText("#result")));
    await context.close();
  }
  const { context, page } = await open(file, "no files", {});
  await page.click("#go");
  await page.waitForSelector('#result[data-verdict="unchecked"] [data-code="nothing"]');
  await context.close();
}

// How it looks: whole at 320 pixels, sound to axe, in both languages.
async function look() {
  for (const [width, colorScheme, lang] of [[320, "light", "id"], [320, "dark", "en"], [1280, "light", "en"], [1280, "dark", "id"]]) {
    const { context, page } = await open(file, `look ${width}`, { viewport: { width, height: 900 }, colorScheme });
    if (lang === "en") await page.click("#lang");
    for (const b of [null, sound, tampered, bundles.find((o) => o.name === "file-truncated")]) {
      const where = `${width} ${colorScheme} ${lang} ${b ? b.name : "empty"}`;
      if (b) await judged(page, b);
      must((await page.getAttribute("html", "lang")) === lang, where, "is in another language");
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
      const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      must(over <= 0, where, `is ${over} pixels too wide`);
      const other = await page.evaluate((l) => [...document.querySelectorAll(`span[lang="${l}"]`)].filter((e) => e.checkVisibility()).length, lang === "id" ? "en" : "id");
      must(other === 0, where, `${other} pieces in the other language`);
      if ((width === 320) !== (colorScheme === "light")) continue; // axe looks at each state in both languages
      await page.evaluate(axe);
      const found = await page.evaluate((r) => window.axe.run(r), rules);
      for (const v of found.violations) complain(where, `axe ${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`);
      must(found.passes.length > 10, where, "axe looked at nothing");
    }
    await context.close();
  }
}

// With the keyboard alone: every stop visible, the verdict gets the focus.
async function keyboard() {
  const where = "keyboard";
  const { context, page } = await open(file, where, { viewport: { width: 1000, height: 800 } });
  await give(page, sound);
  const stops = [];
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
      return { name: e.id || e.className || e.tagName, seen: box.width > 1 && box.bottom > 0 && box.top < innerHeight, ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
    });
    must(stop.seen, where, stop.name + " is out of sight");
    must(stop.ring, where, stop.name + " shows no focus");
    stops.push(stop.name);
    if (stop.name === "go") break;
  }
  must(stops.join(" ") === "skip lang policy-file bundle go", where, "stops at " + stops.join(" "));
  await page.keyboard.press("Enter");
  await page.waitForSelector('#result[data-verdict="valid"]');
  must(await page.evaluate(() => document.activeElement.id === "verdict"), where, "the verdict has not the focus");
  await page.keyboard.press("Tab");
  must(await page.evaluate(() => document.activeElement.tagName === "SUMMARY"), where, "the history is not reached");
  await page.keyboard.press("Enter");
  must(await page.isVisible("#result details[open] pre"), where, "what a record says does not open");
  await context.close();
}

// On paper: the verdict, what is not proven, the history; nothing to press.
async function paper() {
  const { context, page } = await open(file, "print", { viewport: { width: 800, height: 1000 } });
  await judged(page, sound);
  await page.emulateMedia({ media: "print" });
  for (const gone of ["form", "#lang", "summary >> nth=0"]) must(!(await page.isVisible(gone)), "print", gone + " shows");
  for (const there of [".verdict", ".plain", ".steps", ".facts"]) must(await page.isVisible(there), "print", there + " does not show");
  await context.close();
}

async function picture() {
  const shoot = async (name, options, b, english, clip) => {
    const { context, page } = await open(file, "picture", options);
    if (english) await page.click("#lang");
    if (b) {
      await judged(page, b);
      await page.evaluate(() => document.activeElement.blur());
    }
    const height = clip || (await page.evaluate(() => document.documentElement.scrollHeight));
    await page.setViewportSize({ width: options.viewport.width, height: Math.min(height, 3000) });
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: `${pictures}/${name}.png` });
    await context.close();
  };
  await shoot("verify", { viewport: { width: 1000, height: 900 } }, sound, false, 2300);
  await shoot("verify-tampered", { viewport: { width: 1000, height: 900 }, colorScheme: "dark" }, tampered, true, 1500);
  await shoot("verify-narrow", { viewport: { width: 360, height: 800 } }, sound, false, 2000);
}

for (const walk of pictures ? [picture] : [table, served, unable, look, keyboard, paper]) {
  try {
    await walk();
  } catch (e) {
    complain(walk.name, e.message);
  }
}
await browser.close();
console.log(complaints === 0 ? "no complaints" : `${complaints} complaints`);
process.exit(complaints === 0 ? 0 : 1);
