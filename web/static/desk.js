// The replays of the auditor's desk: arrow keys, a slider and a player that put
// the server's answers in place of what the page shows. Everything it does can be
// done without it, by links and a form.
"use strict";
(() => {
  const pause = 400; // milliseconds between two requests of the player, at least
  const player = document.querySelector("[data-player]");
  const status = document.querySelector("[data-status]");
  const parts = () => document.querySelectorAll("[data-live]");
  if (parts().length === 0) return;
  for (const e of document.querySelectorAll("[data-script]")) e.hidden = false;

  let asked = null;
  // go shows what the server answers at an address; false: something else went on.
  const go = async (address) => {
    if (asked) asked.abort();
    const mine = (asked = new AbortController());
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, signal: mine.signal });
      if (answer.status !== 200) {
        window.location.assign(address);
        return false;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine.signal.aborted) return false;
      const focus = document.activeElement && document.activeElement.closest("[data-live]") ? document.activeElement.rel : "";
      for (const here of parts()) {
        const open = Array.from(here.querySelectorAll("details"), (d) => d.open);
        const there = page.querySelector('[data-live="' + here.dataset.live + '"]');
        if (!there) continue;
        here.replaceChildren(...document.importNode(there, true).childNodes);
        here.querySelectorAll("details").forEach((d, i) => i < open.length && (d.open = open[i]));
      }
      if (focus) (document.querySelector('[data-live] a[rel="' + focus + '"]') || document.body).focus();
      const url = new URL(address, window.location.href);
      history.replaceState(null, "", url);
      const at = page.querySelector("[data-player]");
      if (player && at) place(Number(at.dataset.at), Number(at.dataset.head));
      return true;
    } catch (e) {
      if (e.name === "AbortError") return false;
      window.location.assign(address);
      return false;
    }
  };
  const say = () => {
    const heading = document.querySelector("#record");
    if (status && heading) status.textContent = heading.textContent;
  };

  document.addEventListener("keydown", async (e) => {
    if (e.defaultPrevented || e.altKey || e.ctrlKey || e.metaKey || e.shiftKey) return;
    if (e.target.closest("input, select, textarea, summary")) return;
    const link = { ArrowLeft: "[data-before]", ArrowRight: "[data-after]" }[e.key];
    const way = link && document.querySelector(link);
    if (!way) return;
    e.preventDefault();
    stop();
    if (await go(way.href)) say();
  });

  let place = () => {};
  let stop = () => {};
  if (!player) return;
  const range = player.querySelector("input[type=range]");
  const shown = player.querySelector("[data-position]");
  const button = player.querySelector("[data-play]");
  const speed = player.querySelector("#speed");
  const number = new Intl.NumberFormat(document.documentElement.lang);
  const address = (at) => {
    const url = new URL(window.location.href);
    url.searchParams.delete("lang");
    url.hash = "";
    url.searchParams.set("at", String(at));
    return url.href;
  };
  place = (at, head) => {
    player.dataset.at = String(at);
    player.dataset.head = String(head);
    range.max = String(head);
    range.value = String(at);
    shown.textContent = number.format(at);
    range.setAttribute("aria-valuetext", number.format(at));
  };

  let playing = 0; // the number of the run that goes on, 0 for none
  let runs = 0;
  const mark = () => {
    button.setAttribute("aria-pressed", String(playing !== 0));
    button.textContent = playing ? button.dataset.playing : button.dataset.paused;
  };
  stop = () => {
    playing = 0;
    mark();
  };
  const rest = (ms) => new Promise((done) => setTimeout(done, ms));
  const play = async () => {
    const mine = (playing = ++runs);
    mark();
    while (playing === mine) {
      const began = performance.now();
      const at = Number(player.dataset.at);
      const head = Number(player.dataset.head);
      if (at >= head || document.hidden) break;
      if (!(await go(address(Math.min(head, at + Number(speed.value)))))) break;
      await rest(Math.max(0, pause - (performance.now() - began)));
    }
    if (playing === mine) {
      stop();
      say();
    }
  };
  button.addEventListener("click", () => {
    if (!playing) {
      play();
      return;
    }
    stop();
    say();
  });
  let waiting = 0;
  range.addEventListener("input", () => {
    stop();
    shown.textContent = number.format(Number(range.value));
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      if (await go(address(range.value))) say();
    }, 150);
  });
  player.querySelector(".track").hidden = false;
})();
