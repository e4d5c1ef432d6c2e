// The walk through the backlog: numbers that open their lists, the calendar by
// keyboard, and published figures traced to the cases.
import { base, facts, open, must, look, tour, finish } from "./lib.mjs";

async function every() {
  await look(facts.pages);
}

const digits = (text) => Number(text.replaceAll(/[^0-9]/g, ""));

// Without a script: a number to its list, a month and back, a filter, a trace.
async function plain() {
  const where = "without script";
  const { context, page } = await open({ javaScriptEnabled: false, viewport: { width: 360, height: 800 } }, where);
  await page.goto(base + "/backlog?as-of=2020-11-26&lang=id");
  const overdue = digits(await page.textContent(".headline .big >> nth=1"));
  await page.click(".headline .big a >> nth=1");
  must(page.url().includes("/worklist?") && digits(await page.textContent(".headline .big >> nth=0")) === overdue, where, "the list has another number");
  await page.click(".asked .drop >> nth=0");
  must(digits(await page.textContent(".headline .big >> nth=0")) > 0, where, "without a filter nothing is left");
  await page.goto(base + "/backlog?as-of=2020-11-26");
  await page.click('.months a[rel="prev"]');
  must(page.url().includes("month=2020-10") && (await page.textContent(".month caption")).includes("Oktober 2020"), where, "no month before");
  const day = page.locator(".month a.n >> nth=0");
  const n = digits((await day.textContent()).match(/^[0-9.]+/)[0]);
  await day.click();
  must(digits(await page.textContent(".headline .big >> nth=0")) === n, where, "a day has another number than its list");
  await page.goto(base + "/backlog");
  await page.click("details.change summary");
  await page.selectOption("#agency", "bkn");
  await page.fill("#as-of", "2020-10-15");
  await page.click("form.question button");
  must(page.url().includes("agency=bkn") && page.url().includes("as-of=2020-10-15") && !page.url().includes("known-at"), where, "the form led to " + page.url());
  await page.goto(base + "/published");
  await page.click(".trace >> nth=0");
  must(/\/published\/[0-9]+\/1$/.test(page.url()) && (await page.locator(".readings tbody tr").count()) > 4, where, "no readings at " + page.url());
  await page.click(".readings td a >> nth=0");
  must(page.url().includes("/cases?"), where, "a reading opens no list");
  await context.close();
}

// With the keyboard alone: every stop in sight with its focus, a day of the
// calendar opens with Enter.
async function keyboard() {
  const where = "keyboard";
  const { context, page } = await open({ viewport: { width: 1280, height: 800 } }, where);
  await page.goto(base + "/backlog?as-of=2020-11-26&lang=id");
  const stops = await tour(page, where);
  must(stops.some((s) => s.includes("due=2020-11-")), where, `no day of the calendar among ${stops.length} stops`);
  await page.goto(base + "/backlog?as-of=2020-11-26");
  await page.focus(".month a.n >> nth=0");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/worklist\?.*due=2020-11-/);
  await page.goto(base + facts.trace);
  await page.focus(".readings details summary >> nth=0");
  await page.keyboard.press("Enter");
  must(await page.isVisible(".readings details .traced a >> nth=0"), where, "the cases of a reading do not open");
  await context.close();
}

// The calendar: the day that is asked about is marked, and so are days off.
async function calendar() {
  const where = "calendar";
  const { context, page } = await open({ viewport: { width: 320, height: 800 } }, where);
  await page.goto(base + "/backlog?as-of=2020-10-29&lang=id");
  const month = page.locator(".month");
  must((await month.locator('[aria-current="date"]').count()) === 1, where, "the day asked about is not marked");
  must((await month.locator(".holiday").count()) === 3, where, "days off are not marked");
  must((await month.locator("td.weekend").count()) === 10, where, "weekends are not marked");
  const box = await month.boundingBox();
  must(box.width <= 320, where, `is ${box.width} pixels wide`);
  await context.close();
}

// On paper: numbers, charts and what they are; nothing to press.
async function paper() {
  const { context, page } = await open({ viewport: { width: 800, height: 1000 } }, "print");
  await page.emulateMedia({ media: "print" });
  await page.goto(base + "/backlog?as-of=2020-11-26");
  for (const gone of ["header nav", ".change"]) must(!(await page.isVisible(gone)), "print", gone + " shows");
  for (const there of [".asked", ".hist", ".trend", ".month", ".demo"]) must(await page.isVisible(there + " >> nth=0"), "print", there + " does not show");
  await context.close();
}

await finish(every, plain, keyboard, calendar, paper);
