// The walk through one case and through the search.
import { base, facts, open, must, look, tour, finish } from "./lib.mjs";

async function every() {
  await look(facts.looks);
}

// Without a script: from the search to a case, back in what was known, to its bundle.
async function plain() {
  const where = "without script";
  const { context, page } = await open({ javaScriptEnabled: false, viewport: { width: 360, height: 800 } }, where);
  await page.goto(base + "/cases?lang=id");
  await page.click('main a[href="/search"]');
  await page.fill("#q", "contoh 800 9101");
  await page.click(".search button");
  must(page.url().endsWith("/search?q=contoh+800+9101"), where, "the address is not tidy: " + page.url());
  await page.click(".found a.code >> nth=0");
  must(page.url().includes(facts.corrected), where, "led to " + page.url());
  must((await page.locator("del").count()) > 0 && (await page.locator("ins").count()) > 0, where, "the correction does not show");
  const struck = await page.evaluate(() => getComputedStyle(document.querySelector(".facts del")).textDecorationLine);
  must(struck.includes("line-through"), where, "what was replaced is not struck through");
  const all = await page.locator(".timeline > li").count();
  await page.click(".known a[rel=prev]");
  must((await page.locator(".timeline > li").count()) === all - 1, where, "one record less is not one record less");
  must(await page.isVisible(".past"), where, "it does not say that this is not the present");
  must((await page.locator(".ghosts li").count()) === 1, where, "what was not known is not named");
  await page.click(".past a >> nth=0");
  must((await page.locator(".timeline > li").count()) === all, where, "no way back to now");
  must(!(await page.isVisible("#slide-known-at")), where, "a slider that does nothing shows");
  await page.click(".slide summary");
  await page.fill("#known-at", "1");
  await page.click("form.question button");
  must(page.url().includes("known-at=1"), where, "the form led to " + page.url());
  await context.close();
}

// With the keyboard alone: every stop in sight; a search; the way into a case.
async function keyboard() {
  const where = "keyboard";
  const { context, page } = await open({ viewport: { width: 1280, height: 800 } }, where);
  await page.goto(base + "/cases/" + facts.corrected + "?lang=id");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const stops = await tour(page, where);
  must(stops.some((s) => s.includes("/bundle")) && stops.some((s) => s.includes("/proof")), where, "no way to the proofs among " + stops.length);
  await page.goto(base + "/search?lang=id");
  await page.focus("#q");
  await page.keyboard.type("arsip 7");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=arsip/);
  must((await page.locator(".found tbody tr").count()) === 1, where, "not one document was found");
  await context.close();
}

// The slider goes through the records, in place, and back to now.
async function slider() {
  const where = "slider";
  const { context, page } = await open({ viewport: { width: 1280, height: 800 } }, where);
  await page.goto(base + "/cases/" + facts.corrected + "?lang=id");
  const all = await page.locator(".timeline > li").count();
  await page.focus("#slide-known-at");
  await page.keyboard.press("ArrowLeft");
  await page.waitForURL(/known-at=/);
  await page.waitForFunction((n) => document.querySelectorAll(".timeline > li").length === n, all - 1);
  must(await page.isVisible(".past"), where, "it does not say that this is not the present");
  must(await page.evaluate(() => document.activeElement.id === "slide-known-at"), where, "the slider lost the focus");
  const said = await page.getAttribute("#slide-known-at", "aria-valuetext");
  must(said.startsWith("catatan ke-"), where, "it says " + said);
  await page.keyboard.press("Home");
  await page.waitForFunction(() => document.querySelectorAll(".timeline > li").length === 1);
  await page.keyboard.press("End");
  await page.waitForFunction((n) => document.querySelectorAll(".timeline > li").length === n, all);
  await page.waitForURL((u) => !u.searchParams.has("known-at"));
  await page.click(".known a.move[rel=prev]");
  await page.waitForFunction((n) => document.querySelectorAll(".timeline > li").length === n, all - 1);
  await page.goBack();
  await page.waitForFunction((n) => document.querySelectorAll(".timeline > li").length === n, all);
  await context.close();
}

// A number of a person does not leave the browser; one that was sent is not kept.
async function personal() {
  const where = "personal data";
  const { context, page } = await open({ viewport: { width: 800, height: 800 } }, where);
  await page.goto(base + "/search?lang=id");
  const asked = [];
  page.on("request", (r) => r.isNavigationRequest() && asked.push(r.url()));
  for (const number of ["198001012005011001", "1980 0101 2005 0110 01", "7371010101800001", "a@b.example"]) {
    await page.fill("#q", number);
    await page.click(".search button");
    must(!(await page.evaluate(() => document.querySelector("#q").checkValidity())), where, number + " may be sent");
  }
  must(asked.length === 0, where, "sent " + asked.join(" "));
  await page.fill("#q", "B-123/KASN/10/2020");
  must(await page.evaluate(() => document.querySelector("#q").checkValidity()), where, "a letter may not be sent");
  await page.goto(base + "/search?q=198001012005011001");
  must(page.url().endsWith("/search?refused=personal"), where, "stays at " + page.url());
  must(!(await page.content()).includes("19800101"), where, "the number stands on the page");
  await context.close();
}

// On paper: lanes and records, nothing to press.
async function paper() {
  const { context, page } = await open({ viewport: { width: 800, height: 1000 } }, "print");
  await page.emulateMedia({ media: "print" });
  await page.goto(base + "/cases/" + facts.corrected);
  for (const gone of ["header nav", ".known", "form"]) must(!(await page.isVisible(gone + " >> nth=0")), "print", gone + " shows");
  for (const there of [".strip", ".segs", ".timeline", ".proof"]) must(await page.isVisible(there + " >> nth=0"), "print", there + " does not show");
  await context.close();
}

await finish(every, plain, keyboard, slider, personal, paper);
