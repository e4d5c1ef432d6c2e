// The page of equal treatment: whole at every width, walked with the keyboard,
// and read without a script.
import { base, facts, finish, look, must, open, tour } from "./lib.mjs";

const whole = () => look(facts);

async function keyboard() {
  const where = "keyboard";
  const { context, page } = await open({ viewport: { width: 1280, height: 800 } }, where);
  await page.goto(base + "/treatment/blocked?as-of=2020-11-26&by=office&lang=id");
  const stops = await tour(page, where);
  must(stops.some((s) => s.includes("/treatment/wait-decided")), where, "no stop at another picture");
  must(stops.filter((s) => s.startsWith("/cases?")).length > 10, where, "the numbers are no stops");
  await page.focus('.choices a[href^="/treatment/wait-decided"]');
  await page.keyboard.press("Enter");
  await page.waitForURL(/wait-decided/);
  must((await page.getAttribute('.choices a[href^="/treatment/wait-decided"]', "aria-current")) === "page", where, "the picture is not said to be shown");
  must(page.url().includes("by=office") && page.url().includes("as-of=2020-11-26"), where, "the question is lost: " + page.url());
  await context.close();
}

async function plain() {
  const where = "without script";
  const { context, page } = await open({ javaScriptEnabled: false, viewport: { width: 360, height: 800 } }, where);
  await page.goto(base + "/treatment?lang=id");
  await page.click("details.change summary");
  await page.selectOption("#by", "class");
  await page.fill("#as-of", "2020-11-26");
  await page.click("form.question button");
  must(page.url().includes("by=class") && page.url().includes("as-of=2020-11-26"), where, "the form led to " + page.url());
  must((await page.locator(".dots tbody tr").count()) > 4, where, "there are no rows");
  const inside = await page.evaluate(() => [...document.querySelectorAll(".dots td.picture svg circle, .plot circle")].every((c) => {
    const box = c.getBoundingClientRect();
    return box.left >= 0 && box.right <= window.innerWidth;
  }));
  must(inside, where, "a dot lies outside the page");
  const number = await page.textContent(".dots .count a >> nth=0");
  await page.click(".dots .count a >> nth=0");
  must((await page.textContent(".big")) === number, where, "the list has another number");
  await context.close();
}

async function paper() {
  const { context, page } = await open({ viewport: { width: 800, height: 1000 } }, "print");
  await page.emulateMedia({ media: "print" });
  await page.goto(base + "/treatment/blocked?as-of=2020-11-26&lang=id");
  must(!(await page.isVisible(".choices")), "print", "what can only be pressed shows");
  for (const there of [".asked", ".dots", ".plot", ".innocent", ".dots .found"]) must(await page.isVisible(there + " >> nth=0"), "print", there + " does not show");
  await context.close();
}

await finish(whole, keyboard, plain, paper);
