// The public page: whole at every width, walked with the keyboard, without a
// script, on paper.
import { base, facts, finish, look, must, open, tour } from "./lib.mjs";

const whole = () => look(facts);

async function keyboard() {
  const where = "keyboard";
  const { context, page } = await open({ viewport: { width: 1280, height: 800 } }, where);
  await page.goto(base + "/public/2020-q3?lang=id");
  const stops = await tour(page, where);
  for (const there of ["/public/data/2020-q3.csv", "/public/data/2020-q3.json", "/verify", "/checkpoint", "/public/2020-q2"])
    must(stops.includes(there), where, "no stop at " + there);
  await page.focus('a[href="/public/2020-q2"]');
  await page.keyboard.press("Enter");
  await page.waitForURL(/2020-q2/);
  must((await page.getAttribute('a[href="/public/2020-q2"]', "aria-current")) === "page", where, "the quarter is not said to be shown");
  await context.close();
}

async function plain() {
  const where = "without script";
  const { context, page } = await open({ javaScriptEnabled: false, viewport: { width: 320, height: 800 } }, where);
  await page.goto(base + "/public/2020-q3?lang=id");
  must((await page.locator(".public").count()) === 4, where, "not every table is there");
  must((await page.locator(".withheld").count()) > 3, where, "nothing is withheld");
  const opened = (await page.textContent(".funnel-lines .number >> nth=0")).trim();
  const file = await (await page.request.get(base + "/public/data/2020-q3.json")).json();
  must(Number(opened.replaceAll(".", "")) === file.national.opened.value, where, `the page says ${opened}, the file ${file.national.opened.value}`);
  const headers = (await page.request.get(base + "/public/data/2020-q3.csv")).headers();
  must(headers["content-type"].startsWith("text/csv") && headers.etag, where, "the file is served as " + headers["content-type"]);
  await page.click("header nav .own a");
  must((await page.getAttribute("html", "lang")) === "en" && page.url().includes("/public/2020-q3"), where, "English is not one click away");
  await context.close();
}

async function paper() {
  const { context, page } = await open({ viewport: { width: 800, height: 1000 } }, "print");
  await page.emulateMedia({ media: "print" });
  await page.goto(base + "/public/2020-q3?lang=id");
  for (const there of [".asked", ".funnel-lines", ".public"]) must(await page.isVisible(there + " >> nth=0"), "print", there + " does not show");
  await context.close();
}

await finish(whole, keyboard, plain, paper);
