// The walk through the national page: two sliders, live updates and their pause,
// links instead of a script, paper.
import { base, facts, open, must, look, tour, finish } from "./lib.mjs";

async function every() {
  await look(facts.pages);
}

const number = async (page, measure) => Number((await page.textContent(`[data-measure="${measure}"]`)).replaceAll(/[.,]/g, ""));
const status = (page, words) => page.waitForFunction((w) => document.getElementById("live-status").textContent.startsWith(w), words);

// Without a script: from the front page to a number, a form, a case, every page.
async function plain() {
  const where = "without script";
  const { context, page } = await open({ javaScriptEnabled: false, viewport: { width: 360, height: 800 } }, where);
  await page.goto(base + "/");
  await page.click('main a[href="/national"] >> nth=0');
  must(!(await page.isVisible("#slide-as-of")), where, "a slider shows and would do nothing");
  must(!(await page.isVisible("#live")), where, "live updates show and would do nothing");
  await page.click(".slider >> nth=0 >> .steps a >> nth=0");
  must(page.url().includes("as-of="), where, "no step in what had happened");
  await page.click(".slider >> nth=1 >> .steps a >> nth=0");
  must(page.url().includes("known-at=") && page.url().includes("as-of="), where, "no step in what was known");
  must((await page.locator(".chart.narrow").count()) === 1 && (await page.isVisible(".chart.narrow")), where, "no chart for narrow screens");
  await page.click('[aria-labelledby="peta"] .move >> nth=0');
  must(page.url().includes("measure="), where, "no other measure on the map");
  await page.goto(base + "/national?as-of=2020-11-26");
  await page.click("details.change summary");
  await page.selectOption("#unit", "case");
  await page.selectOption("#f-origin", "finding");
  await page.click("form.question button");
  must(page.url().includes("unit=case") && page.url().includes("filter=origin%3Dfinding"), where, "the form led to " + page.url());
  must(!page.url().includes("known-at="), where, "the address is not tidy");
  const opened = await page.textContent('[data-measure="opened"]');
  await page.click('[data-measure="opened"]');
  must((await page.textContent(".big")) === opened, where, "the list has another number");
  await page.click(".cases a.code >> nth=0");
  must((await page.locator("h1").count()) === 1 && page.url().includes("/cases/"), where, "no case behind the number");
  await page.goto(base + "/national");
  for (const link of await page.locator("header nav ul >> nth=0 >> a").evaluateAll((all) => all.map((a) => a.getAttribute("href")))) {
    await page.click(`header nav a[href="${link}"]`);
    must((await page.locator("h1").count()) === 1 && new URL(page.url()).pathname === link, where, "no way to " + link);
  }
  await page.click("header nav .own a");
  must((await page.getAttribute("html", "lang")) === "en", where, "English is not one click away");
  await context.close();
}

// With the keyboard alone: skip link, every stop visible, both sliders, a number.
async function keyboard() {
  const where = "keyboard";
  const { context, page } = await open({ viewport: { width: 1280, height: 800 } }, where);
  await page.goto(base + "/national?lang=id&as-of=2020-11-26");
  await page.keyboard.press("Tab");
  must(await page.evaluate(() => document.activeElement.matches(".skip")), where, "the first stop is not the skip link");
  await page.keyboard.press("Enter");
  const stops = await tour(page, where);
  must(stops[0].startsWith("/cases?"), where, "the skip link does not lead past the header, but to " + stops[0]);
  must(!stops.includes("live-pause"), where, "a past moment can be paused");
  for (const stop of ["slide-as-of", "slide-known-at", "blocked"]) must(stops.includes(stop), where, `walked over ${stops.length} stops, and not over ${stop}`);

  await page.goto(base + "/national?as-of=2020-11-26&by=origin");
  const before = await number(page, "opened");
  await page.focus("#slide-as-of");
  await page.evaluate(() => (document.querySelector("details.means").open = true));
  const answered = page.waitForResponse((r) => r.url().includes("as-of=2020-10-27"));
  for (let i = 0; i < 30; i++) await page.keyboard.press("ArrowLeft");
  await answered;
  await page.waitForURL((u) => u.searchParams.get("as-of") === "2020-10-27");
  must((await number(page, "opened")) < before, where, "the numbers do not follow");
  must(page.url().includes("by=origin"), where, "the address does not follow: " + page.url());
  for (const part of ["#said-as-of", "#view .asked", ".headline", ".chart.wide .now"]) {
    must(/27 Okt(ober)? 2020/.test(await page.textContent(part + " >> nth=-1")), where, part + " says " + (await page.textContent(part + " >> nth=-1")));
  }
  must(await page.evaluate(() => document.activeElement.id === "slide-as-of"), where, "the slider lost the focus");
  must(await page.evaluate(() => document.querySelector("details.means").open), where, "the explanation was shut");
  must((await page.getAttribute("#own a", "href")).includes("as-of=2020-10-27"), where, "the other language is of another day");
  const told = await (await page.request.get(base + "/v1/national?measure=opened&as-of=2020-10-27")).json();
  const shown = await number(page, "opened");
  must(told.figures[0].value === shown, where, `the slider shows ${shown}, the API says ${told.figures[0].value}`);

  // An answer that comes while the slider is moved, with a finger that gives no focus,
  // does not put it back.
  await page.route(/national/, async (route) => {
    await new Promise((f) => setTimeout(f, 250));
    await route.continue();
  });
  const slide = (days) => page.evaluate(async (days) => {
    const range = document.getElementById("slide-as-of");
    range.blur();
    for (let i = 0; i < Math.abs(days); i++) {
      range.value = Number(range.value) + Math.sign(days);
      range.dispatchEvent(new Event("input", { bubbles: true }));
      await new Promise((f) => setTimeout(f, i === 0 ? 200 : 60));
    }
  }, days);
  await slide(-10);
  await page.waitForURL((u) => u.searchParams.get("as-of") === "2020-10-17");
  await page.unroute(/national/);
  await slide(10);
  await page.waitForURL((u) => u.searchParams.get("as-of") === "2020-10-27");

  await page.focus("#slide-known-at");
  for (let i = 0; i < 100; i++) await page.keyboard.press("ArrowLeft");
  await page.waitForURL((u) => Number(u.searchParams.get("known-at")) > 0 && u.searchParams.get("as-of") === "2020-10-27");
  const known = new URL(page.url()).searchParams.get("known-at");
  const then = await (await page.request.get(base + "/v1/national?measure=opened&as-of=2020-10-27&known-at=" + known)).json();
  must(then.figures[0].value === (await number(page, "opened")) && then.figures[0].value < shown, where, "the second slider shows " + (await number(page, "opened")));
  await page.keyboard.press("End");
  await page.waitForURL((u) => !u.searchParams.has("known-at"));
  await page.focus("#slide-as-of");
  await page.keyboard.press("End");
  await page.waitForURL((u) => !u.searchParams.has("as-of"));

  await page.click(".slider >> nth=0 >> a.move >> nth=0");
  await page.waitForURL((u) => u.searchParams.has("as-of"));
  await page.goBack();
  await page.waitForFunction(() => document.getElementById("view").dataset.past === "false");
  must(await page.isVisible("#live-pause"), where, "the latest cannot be paused");

  await page.focus("details.change summary");
  await page.keyboard.press("Enter");
  must(await page.isVisible("#unit"), where, "the form does not open");
  await page.focus('[data-measure="recommended"]');
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/cases\?/);
  await context.close();
}

// more lets the ledger grow by a case and gives what is opened then.
const more = async () => (await (await fetch(facts.more, { method: "POST" })).json()).opened;

// Live: the page follows, and keeps focus, place and what is open; it pauses.
async function live() {
  const where = "live";
  const { context, page } = await open({ viewport: { width: 1280, height: 800 } }, where);
  const follows = async (n) => {
    await page.waitForFunction((v) => document.querySelector('[data-measure="opened"]').textContent.replaceAll(/[.,]/g, "") === String(v), n);
  };
  await page.goto(base + "/national?lang=id#rincian"); // what follows must not lead back there
  await status(page, "Langsung");
  await page.evaluate(() => (document.querySelector("details.change").open = true));
  await page.fill("#f-item", "politi");
  await page.focus("#f-item");
  const place = await page.evaluate(() => window.scrollY);
  await follows(await more());
  must(await page.evaluate(() => document.activeElement.id === "f-item" && document.activeElement.value === "politi"), where, "what was being typed is gone");
  must((await page.evaluate(() => window.scrollY)) === place, where, "the page jumped");
  must(await page.isVisible("#unit"), where, "the form was shut");

  await page.focus("#live-pause");
  await page.keyboard.press("Enter");
  await status(page, "Dijeda");
  must((await page.getAttribute("#live-pause", "aria-pressed")) === "true", where, "the button does not say that it is pressed");
  const before = await number(page, "opened");
  await more();
  const quiet = await open({ viewport: { width: 1280, height: 800 } }, where + " beside"); // who is not paused sees it
  await quiet.page.goto(base + "/national?lang=id");
  const now = await number(quiet.page, "opened");
  must(now > before, where, "the ledger did not grow");
  must((await number(page, "opened")) === before, where, "the page moved while paused");
  await page.reload();
  await status(page, "Dijeda");
  await page.click("#live-pause");
  await status(page, "Langsung");
  await status(quiet.page, "Langsung");
  const last = await more();
  await follows(last);
  await quiet.page.goto(base + "/national?lang=id&as-of=2020-11-26");
  await status(quiet.page, "Keadaan lampau");
  await quiet.context.close();

  // A record that comes while the page is on its way to another moment does not take
  // it back.
  const slow = /national\?.*as-of/;
  await page.route(slow, async (route) => {
    await more();
    await new Promise((f) => setTimeout(f, 300));
    await route.continue();
  });
  await page.focus("#slide-as-of");
  await page.keyboard.press("ArrowLeft");
  await page.waitForURL((u) => u.searchParams.has("as-of"));
  await page.unroute(slow);
  await page.keyboard.press("End");
  await page.waitForURL((u) => !u.searchParams.has("as-of"));
  await status(page, "Langsung");

  await context.setOffline(true); // what is open stays open: cut it
  await page.evaluate(() => window.dispatchEvent(new Event("pagehide")));
  await page.evaluate(() => window.dispatchEvent(new Event("pageshow")));
  await status(page, "Terputus");
  await context.setOffline(false);
  await status(page, "Langsung");
  await follows(await more());
  await context.close();
}

// On paper: the numbers and what they are, chart and map, nothing to press.
async function paper() {
  const { context, page } = await open({ viewport: { width: 800, height: 1000 } }, "print");
  await page.goto(base + "/national?as-of=2020-11-26");
  await page.emulateMedia({ media: "print" });
  for (const gone of ["header nav", ".slide", ".change", "#live", ".within"]) must(!(await page.isVisible(gone)), "print", gone + " shows");
  for (const there of [".headline", ".asked", ".funnel", ".chart.wide", ".map", ".figures", ".demo", ".twotimes"]) must(await page.isVisible(there + " >> nth=0"), "print", there + " does not show");
  await context.close();
}

await finish(every, plain, keyboard, live, paper);
