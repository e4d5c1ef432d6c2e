// The auditor's desk: whole at every width; replays with keys, by themselves and
// without a script.
import { base, facts, finish, look, must, open, tour } from "./lib.mjs";

const whole = () => look(facts.looks);
const at = (page) => Number(new URL(page.url()).searchParams.get("at"));

// With the keyboard alone: arrow keys move a replay, and play goes on by itself.
async function keyboard() {
  const where = "keyboard";
  const { context, page } = await open({ viewport: { width: 1280, height: 800 } }, where);
  await page.goto(base + `/desk/replay?at=${facts.at}&lang=id`);
  const before = await page.textContent("#record");
  await page.keyboard.press("ArrowRight");
  await page.waitForURL((u) => u.searchParams.get("at") === String(facts.at + 1));
  must((await page.textContent("#record")) !== before, where, "the record is still the one before");
  await page.keyboard.press("ArrowLeft");
  await page.waitForURL((u) => u.searchParams.get("at") === String(facts.at));
  must((await page.textContent("#record")) === before, where, "back is elsewhere");

  await page.selectOption("#speed", "10");
  await page.focus("[data-play]");
  await page.keyboard.press("Enter");
  must((await page.getAttribute("[data-play]", "aria-pressed")) === "true", where, "nothing plays");
  const times = [];
  page.on("request", (r) => r.url().includes("/desk/replay") && times.push(Date.now()));
  await page.waitForURL((u) => u.searchParams.get("at") === String(facts.last), { timeout: 15000 });
  await page.waitForFunction(() => document.querySelector("[data-play]").getAttribute("aria-pressed") === "false");
  for (let i = 1; i < times.length; i++) must(times[i] - times[i - 1] > 250, where, `plays too fast: ${times[i] - times[i - 1]} ms`);
  must((await page.inputValue("#position")) === String(facts.last), where, "the slider stays behind");
  must(await page.evaluate(() => document.activeElement.matches("[data-play]")), where, "play loses the focus");
  const told = await (await page.request.get(base + `/v1/national?measure=opened&known-at=${facts.last}`)).json();
  const shown = Number((await page.textContent('[data-measure="opened"]')).replaceAll(".", ""));
  must(told.figures[0].value === shown, where, `the replay shows ${shown}, the API says ${told.figures[0].value}`);

  await page.goto(base + `/desk/replay/${facts.walk}?step=2`);
  await page.keyboard.press("ArrowRight");
  await page.waitForURL((u) => u.searchParams.get("step") === "3");
  must((await page.textContent("[data-step]")) === "3", where, "the case stays at " + (await page.textContent("[data-step]")));
  const stops = await tour(page, where);
  must(stops.some((s) => s.includes("order=happened")), where, "no stop at the other order");
  await page.goto(base + "/desk");
  must((await tour(page, where)).includes("/desk/sample"), where, "no stop at the samples");
  await context.close();
}

// Without a script: from the desk through every tool.
async function plain() {
  const where = "without script";
  const { context, page } = await open({ javaScriptEnabled: false, viewport: { width: 360, height: 800 } }, where);
  await page.goto(base + "/desk?lang=id");
  await page.click('.tools a[href="/desk/checkpoints"]');
  await page.click("form.change button");
  must(page.url().includes("/desk/consistency?from=9&to=") && (await page.locator(".hashes li").count()) > 3, where, "no proof at " + page.url());
  await page.goto(base + `/desk/replay?at=${facts.at}`);
  must(!(await page.isVisible("[data-play]")), where, "play shows and would do nothing");
  await page.click('.steps a[href$="at=' + (facts.at + 10) + '"]');
  must(at(page) === facts.at + 10, where, "a step led to " + page.url());
  await page.fill("#at", "500");
  await page.click(".jump button");
  must(at(page) === 500 && !page.url().includes("as-of"), where, "the form led to " + page.url());
  await page.click('.record a[href^="/desk/replay/"]');
  await page.click('a[href*="order=happened"]');
  must((await page.locator(".stops .here").count()) === 1, where, "no step is shown");
  await page.goto(base + "/desk/compare");
  await page.fill("#as-of", "2020-10-04");
  await page.fill("#then-as-of", "2020-11-26");
  await page.click("form.change button");
  must(page.url().includes("then-as-of=2020-11-26"), where, "the form led to " + page.url());
  await page.click('.compared th a[href*="measure=recommended"]');
  must((await page.locator("#changes").count()) === 1 && (await page.locator(".cases .plus").count()) > 5, where, "nothing came in");
  await page.goto(base + "/desk/sample");
  await page.fill("#seed", "undian 27 11 04");
  await page.fill("#n", "4");
  await page.click("form.change button");
  must((await page.locator("[data-item]").count()) === 4, where, "not four were drawn at " + page.url());
  await page.click("[data-item] >> nth=0");
  must(page.url().includes("/cases/"), where, "what was drawn leads to " + page.url());
  await context.close();
}

await finish(whole, keyboard, plain);
