// What every walk through the pages in Chromium shares. A walk is run as
// node WALK.mjs CHROMIUM BASE FACTS.json by inBrowser; it writes a line for each
// complaint and ends with 1 if there are any.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [program, address, factsFile] = process.argv.slice(2);

// base is the server's address without a slash at the end, facts what the Go
// test has told the walk.
export const base = address;
export const facts = JSON.parse(readFileSync(factsFile, "utf8"));

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const rules = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };

// patience is how long a walk waits for what is to come, in ms. Several walks, each
// with a browser and a server, may share one processor.
const patience = 120_000;

let complaints = 0;
export const complain = (where, what) => {
  complaints++;
  console.log(`${where}: ${what}`);
};
export const must = (truth, where, what) => truth || complain(where, what);

const browser = await chromium.launch({
  executablePath: program,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});

// open makes a page that complains of errors and of requests to elsewhere. What
// a page answers with an error is no error of the page's.
export async function open(options, where) {
  const context = await browser.newContext({ locale: "id-ID", ...options });
  context.setDefaultTimeout(patience);
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

// inspect has axe look at the page as it stands.
export async function inspect(page, where) {
  await page.evaluate(axe);
  const found = await page.evaluate((r) => window.axe.run(r), rules);
  for (const v of found.violations) complain(where, `axe ${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`);
  must(found.passes.length > 10, where, "axe looked at nothing");
}

// shapes are those in which look sees a page, by language. Only where it is judged axe
// looks at it.
const shapes = {
  id: [{ width: 320 }, { width: 360, judged: true }, { width: 1280, dark: true, judged: true }],
  en: [{ width: 360, dark: true }, { width: 1280 }],
};

// look sees each page, {path, status}, whole in 320, 360 and 1280 pixels and sound
// in light and dark, in both languages. A page is asked for once a language and then
// reshaped, as by who turns a telephone or moves a window.
export async function look(pages) {
  for (const lang of ["id", "en"]) {
    const { context, page } = await open({}, lang);
    for (const { path, status } of pages) {
      const answer = await page.goto(base + path + (path.includes("?") ? "&" : "?") + "lang=" + lang);
      must(answer.status() === status, path, "status " + answer.status());
      must((await page.getAttribute("html", "lang")) === lang, path, "is not in the language " + lang);
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
      for (const { width, dark, judged } of shapes[lang]) {
        const where = `${path} ${width} ${dark ? "dark" : "light"} ${lang}`;
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        must(over <= 0, where, `is ${over} pixels too wide`);
        if (judged) await inspect(page, where);
      }
    }
    await context.close();
  }
}

// tour presses Tab from the top of a page that has been opened to its end, and
// gives the names of the stops: each has to be in sight and to show its focus.
export async function tour(page, where) {
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
    if (!stop) return stops;
    must(stop.seen, where, stop.name + " is out of sight");
    must(stop.ring, where, stop.name + " shows no focus");
    stops.push(stop.name);
  }
  complain(where, "no end after 400 stops");
  return stops;
}

// finish runs the walks one after the other and ends the program.
export async function finish(...walks) {
  for (const walk of walks) {
    try {
      await walk();
    } catch (e) {
      complain(walk.name, e.message);
    }
  }
  await browser.close();
  console.log(complaints === 0 ? "no complaints" : `${complaints} complaints`);
  process.exit(complaints === 0 ? 0 : 1);
}
