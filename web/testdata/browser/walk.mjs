// The walk through the pages as a whole.
import { base, facts, open, must, look, tour, finish } from "./lib.mjs";

async function every() {
  await look(facts);
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
  const stops = await tour(page, where);
  must(stops[0] === "slide", where, "the skip link does not lead past the header, but to " + stops[0]);
  must(stops.includes("blocked"), where, `walked over ${stops.length} stops`);

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

await finish(every, plain, keyboard, paper);
