// Walks through the pages in Chromium. node walk.mjs CHROMIUM BASE PAGES.json
// writes a line for each complaint and ends with 1 if there are any.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [program, base, listFile] = process.argv.slice(2);
const pages = JSON.parse(readFileSync(listFile, "utf8")); // [{path, status}]
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

// open makes a page that complains of errors and of requests to elsewhere. What
// a page answers with an error is no error of the page's.
async function open(options, where) {
  const context = await browser.newContext({ locale: "id-ID", ...options });
  const page = await context.newPage();
  page.on("console", (m) => {
    if (m.type() === "error" && !m.text().startsWith("Failed to load resource")) complain(where, m.text());
  });
  page.on("pageerror", (e) => complain(where, String(e)));
  page.on("request", (r) => {
    if (!r.url().startsWith(base + "/")) complain(where, "asks " + r.url());
  });
  page.on("response", (r) => {
    if (r.status() >= 400 && r.request().resourceType() !== "document") complain(where, r.status() + " " + r.url());
  });
  return { context, page };
}

// Every page: whole in 320, 360 and 1280 pixels, sound in light and dark.
async function look() {
  for (const [width, colorScheme, lang] of [[320, "light", "id"], [360, "light", "id"], [360, "dark", "en"], [1280, "light", "en"], [1280, "dark", "id"]]) {
    const { context, page } = await open({ viewport: { width, height: 800 }, colorScheme }, `${width} ${colorScheme}`);
    for (const { path, status } of pages) {
      const where = `${path} ${width} ${colorScheme} ${lang}`;
      const answer = await page.goto(base + path + (path.includes("?") ? "&" : "?") + "lang=" + lang);
      must(answer.status() === status, where, "status " + answer.status());
      must((await page.getAttribute("html", "lang")) === lang, where, "is in another language");
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
      const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      must(over <= 0, where, `is ${over} pixels too wide`);
      if (width === 320 || (width === 1280) !== (colorScheme === "dark")) continue; // axe looks at each page twice
      await page.evaluate(axe);
      const found = await page.evaluate((r) => window.axe.run(r), rules);
      for (const v of found.violations) complain(where, `axe ${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`);
      must(found.passes.length > 10, where, "axe looked at nothing");
    }
    await context.close();
  }
}

// Without a script: from the front page to a case, a form, the other language.
async function plain() {
  const where = "without script";
  const { context, page } = await open({ javaScriptEnabled: false, viewport: { width: 360, height: 800 } }, where);
  await page.goto(base + "/");
  await page.click('main a[href="/national"]');
  must(!(await page.isVisible("#slide")), where, "the slider shows and would do nothing");
  await page.click(".steps a >> nth=0");
  must(page.url().includes("as-of="), where, "no step in time");
  await page.click("details summary");
  await page.selectOption("#unit", "case");
  await page.selectOption("#f-origin", "finding");
  await page.click("form.question button");
  must(page.url().includes("unit=case") && page.url().includes("filter=origin%3Dfinding"), where, "the form led to " + page.url());
  must(!page.url().includes("known-at="), where, "the address is not tidy");
  const number = await page.textContent('[data-measure="opened"]');
  await page.click('[data-measure="opened"]');
  must((await page.textContent(".big")) === number, where, "the list has another number");
  await page.click(".cases a.code >> nth=0");
  must((await page.locator(".timeline > li").count()) > 0, where, "a case without events");
  for (const link of ["/published", "/worklist", "/cases"]) {
    await page.click(`header nav a[href="${link}"]`);
    must((await page.locator("h1").count()) === 1 && page.url().endsWith(link), where, "no way to " + link);
  }
  await page.click("header nav .own a");
  must((await page.getAttribute("html", "lang")) === "en", where, "English is not one click away");
  await context.close();
}

// With the keyboard alone: skip link, every stop visible, slider, a number.
async function keyboard() {
  const where = "keyboard";
  const { context, page } = await open({ viewport: { width: 1280, height: 800 } }, where);
  await page.goto(base + "/national?lang=id&as-of=2020-11-26");
  await page.keyboard.press("Tab");
  must(await page.evaluate(() => document.activeElement.matches(".skip")), where, "the first stop is not the skip link");
  await page.keyboard.press("Enter");
  const stops = [];
  for (let i = 0; i < 400; i++) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const e = document.activeElement;
      if (e === document.body) return null;
      const box = e.getBoundingClientRect();
      const style = getComputedStyle(e);
      return {
        name: e.id || e.dataset.measure || e.getAttribute("href") || e.tagName,
        seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < window.innerHeight,
        ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
      };
    });
    if (!stop) break;
    if (stops.length === 0) must(stop.name === "slide", where, "the skip link does not lead past the header, but to " + stop.name);
    must(stop.seen, where, stop.name + " is out of sight");
    must(stop.ring, where, stop.name + " shows no focus");
    stops.push(stop.name);
  }
  must(stops.includes("blocked") && stops.length < 399, where, `walked over ${stops.length} stops`);

  await page.goto(base + "/national?as-of=2020-11-26&by=origin");
  const before = await page.textContent('[data-measure="opened"]');
  await page.focus("#slide");
  const answered = page.waitForResponse((r) => r.url().includes("as-of=2020-10-27"));
  for (let i = 0; i < 30; i++) await page.keyboard.press("ArrowLeft");
  await answered;
  await page.waitForFunction((old) => document.querySelector('[data-measure="opened"]').textContent !== old, before);
  must(page.url().includes("as-of=2020-10-27") && page.url().includes("by=origin"), where, "the address does not follow: " + page.url());
  must((await page.textContent("[data-slider-label]")) === "27 Oktober 2020", where, "the slider says " + (await page.textContent("[data-slider-label]")));
  must((await page.textContent('[data-live="asked"]')).includes("27 Oktober 2020"), where, "what is shown is not said to be of that day");
  must(await page.evaluate(() => document.activeElement.id === "slide"), where, "the slider lost the focus");
  const told = await (await page.request.get(base + "/v1/national?measure=opened&as-of=2020-10-27")).json();
  const shown = Number((await page.textContent('[data-measure="opened"]')).replaceAll(".", ""));
  must(told.figures[0].value === shown, where, `the slider shows ${shown}, the API says ${told.figures[0].value}`);
  await page.keyboard.press("End");
  await page.waitForURL((u) => !u.searchParams.has("as-of"));

  await page.goto(base + "/national");
  await page.focus("details summary");
  await page.keyboard.press("Enter");
  must(await page.isVisible("#unit"), where, "the form does not open");
  await page.focus('[data-measure="recommended"]');
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/cases\?/);
  await context.close();
}

// On paper: the numbers and what they are, nothing to press.
async function paper() {
  const { context, page } = await open({ viewport: { width: 800, height: 1000 } }, "print");
  await page.emulateMedia({ media: "print" });
  await page.goto(base + "/national?as-of=2020-11-26");
  for (const gone of ["header nav", ".slide", ".change"]) must(!(await page.isVisible(gone)), "print", gone + " shows");
  for (const there of [".asked", ".figures", ".demo", ".twotimes"]) must(await page.isVisible(there + " >> nth=0"), "print", there + " does not show");
  await context.close();
}

for (const walk of [look, plain, keyboard, paper]) {
  try {
    await walk();
  } catch (e) {
    complain(walk.name, e.message);
  }
}
await browser.close();
console.log(complaints === 0 ? "no complaints" : `${complaints} complaints`);
process.exit(complaints === 0 ? 0 : 1);
