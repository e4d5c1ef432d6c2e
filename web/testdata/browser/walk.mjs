// The walk through the pages as a whole.
import { base, facts, open, must, look, tour, finish } from "./lib.mjs";

async function every() {
  await look(facts);
}

// From the front page with the keyboard alone: every stop visible, every page of
// the navigation one press away.
async function keyboard() {
  const where = "keyboard";
  const { context, page } = await open({ viewport: { width: 1280, height: 800 } }, where);
  await page.goto(base + "/");
  await page.keyboard.press("Tab");
  must(await page.evaluate(() => document.activeElement.matches(".skip")), where, "the first stop is not the skip link");
  const stops = await tour(page, where);
  const links = await page.locator("header nav a").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
  must(links.length > 4 && links.every((l) => stops.includes(l)), where, "not every page is reached from the front page: " + stops.join(" "));
  for (const link of links.filter((l) => !l.includes("lang="))) {
    await page.goto(base + "/");
    await page.focus(`header nav a[href="${link}"]`);
    await page.keyboard.press("Enter");
    await page.waitForURL(base + link);
    must((await page.getAttribute(`header nav a[href="${link}"]`, "aria-current")) === "page", where, link + " is not marked as the page that is shown");
  }
  await context.close();
}

await finish(every, keyboard);
