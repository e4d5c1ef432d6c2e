// Takes the pictures of docs/pages over the ledger of a demo: scripts/pictures.sh
// runs it. What has an id is scrolled to; what is opened is named.
import { base, facts, open, finish, must } from "./lib.mjs";

const day = "as-of=2020-11-26";
const shots = [
  { name: "home", path: "/", height: 1380 },
  { name: "national", path: `/national?${day}&seen-by=bkn`, height: 1860 },
  { name: "national-wall", path: `/national?${day}&seen-by=bkn`, width: 1920, height: 1080 },
  { name: "national-map", path: `/national?${day}&seen-by=bkn&measure=not_followed_up`, height: 900, en: true, dark: true, at: "#peta", opened: true },
  { name: "national-narrow", path: `/national?${day}`, width: 360, height: 1000, en: true, dark: true },
  { name: "treatment", path: `/treatment/blocked?${day}`, height: 2350 },
  { name: "treatment-narrow", path: `/treatment/wait-decided?${day}&by=office`, width: 360, height: 1700, en: true, dark: true, at: "#picture-title" },
  { name: "public", path: "/public/2020-q3", height: 2150 },
  { name: "public-narrow", path: "/public/2020-q3", width: 360, height: 2300, en: true, dark: true },
  { name: "backlog", path: `/backlog?${day}`, height: 1400 },
  { name: "backlog-calendar", path: `/backlog?${day}`, height: 1400, en: true, dark: true, at: "#tren" },
  { name: "published", path: "/published", height: 1500 },
  { name: "published-trace", path: "/published", follow: "a.trace", height: 1300 },
  { name: "case", path: `/cases/${facts.whole}`, height: 1560 },
  { name: "case-records", path: `/cases/${facts.corrected}`, height: 1050, at: ".timeline > li:has(del)", above: 180 },
  { name: "search", path: "/search?q=sulawesi", height: 1100 },
  { name: "search-narrow", path: "/search?q=contoh+9001+kasn+2024", width: 360, height: 1400, en: true, dark: true },
  { name: "worklist", path: `/worklist?agency=bkn&${day}`, height: 1200, dark: true },
  { name: "desk", path: "/desk", height: 1500 },
  { name: "desk-compare", path: `/desk/compare?as-of=2020-10-04&then-${day}&measure=recommended`, height: 2000 },
  { name: "desk-replay", path: "/desk/replay?at=8225", height: 1450, dark: true },
  { name: "desk-replay-case", path: `/desk/replay/${facts.corrected}?step=6`, height: 1500 },
  { name: "desk-audits", path: "/desk/audits", height: 1400, en: true },
  { name: "desk-sample", path: `/desk/sample?measure=not_followed_up&${day}&seen-by=bkn&n=3&by=office&seed=undian+27+11`, height: 1900 },
  { name: "desk-narrow", path: "/desk", width: 360, height: 1700, en: true, dark: true },
  { name: "cases-narrow", path: `/cases?measure=not_followed_up&${day}&seen-by=bkn`, width: 360, height: 900 },
];

async function take({ name, path, width = 1280, height, en, dark, at, above = 12, opened, follow }) {
  const { context, page } = await open({ viewport: { width, height }, colorScheme: dark ? "dark" : "light" }, name);
  const show = async (path) => {
    const answer = await page.goto(base + path, { timeout: 120000 });
    must(answer.ok(), name, "status " + answer.status());
  };
  await show(path + (path.includes("?") ? "&" : "?") + "lang=" + (en ? "en" : "id"));
  if (follow) await show(await page.getAttribute(follow + " >> nth=0", "href"));
  if (opened) await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
  if (at) await page.evaluate(([at, above]) => scrollTo(0, document.querySelector(at).getBoundingClientRect().top + scrollY - above), [at, above]);
  await page.screenshot({ path: `${facts.out}/${name}.png` });
  await context.close();
}

await finish(...shots.map((shot) => () => take(shot)));
