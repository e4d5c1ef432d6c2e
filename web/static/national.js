// The national page with a script: sliders that move the whole page, and live
// updates. Everything it does can be done without it, by the links, the form and
// loading the page again. htmx morphs the new page into the old one, so that
// focus, scroll and opened details stay; the stream is the browser's own
// EventSource, which reconnects by itself.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const view = () => document.getElementById("view");
  const bar = document.getElementById("live");
  const status = document.getElementById("live-status");
  const button = document.getElementById("live-pause");
  const dates = new Intl.DateTimeFormat(root.lang === "en" ? "en-GB" : "id-ID", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  const numbers = new Intl.NumberFormat(root.lang === "en" ? "en-GB" : "id-ID");

  // Going to another address of this page.
  let turn = 0;
  const go = async (url, keep) => {
    const mine = ++turn;
    const asked = new URL(url);
    asked.hash = ""; // or the page would jump there
    if (keep) view().setAttribute("aria-busy", "true");
    await htmx.ajax("GET", asked.toString(), { source: "#view", target: "#view", select: "#view", swap: "outerMorph" });
    if (mine !== turn) return; // another one is under way
    view().removeAttribute("aria-busy");
    if (keep === "push") history.pushState(null, "", url);
    if (keep === "replace") history.replaceState(null, "", url);
    settle();
  };
  // What is no page of this kind, for instance because the session has ended, is
  // shown as the browser shows it.
  document.addEventListener("htmx:before:swap", (e) => {
    if (e.detail.ctx.text.includes('id="view"')) return;
    e.preventDefault();
    window.location.reload();
  });
  document.addEventListener("click", (e) => {
    const link = e.target.closest("a.move");
    if (!link || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    go(new URL(link.href), "push");
  });
  window.addEventListener("popstate", () => go(new URL(window.location.href)));

  // Sliders.
  const place = (range) => {
    const n = Number(range.value);
    if (n >= Number(range.max)) return { value: "", words: range.dataset.latest };
    if (range.dataset.step) {
      const position = (n + 1) * Number(range.dataset.step);
      return { value: String(position), words: range.dataset.word + numbers.format(position) };
    }
    const day = new Date(Date.parse(range.dataset.first + "T00:00:00Z") + n * 86400000);
    return { value: day.toISOString().slice(0, 10), words: dates.format(day) };
  };
  let waiting = 0;
  document.addEventListener("input", (e) => {
    const range = e.target;
    if (!range.dataset.slider) return;
    const { value, words } = place(range);
    document.getElementById("said-" + range.dataset.slider).textContent = words;
    range.setAttribute("aria-valuetext", words);
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const url = new URL(window.location.href);
      url.searchParams.delete("lang");
      url.hash = "";
      if (value) url.searchParams.set(range.dataset.slider, value);
      else url.searchParams.delete(range.dataset.slider);
      go(url, "replace");
    }, 120);
  });

  // Live updates.
  const key = "berkas-paused";
  let source = null;
  let open = false;
  let newest = 0;
  let refreshing = false;
  const paused = () => sessionStorage.getItem(key) === "1";
  const past = () => view().dataset.past === "true";
  const refresh = async () => {
    if (refreshing) return;
    refreshing = true;
    while (source && newest > Number(view().dataset.head)) {
      const before = view().dataset.head;
      await go(new URL(window.location.href));
      if (view().dataset.head === before) break; // nothing came: the next event tries again
    }
    refreshing = false;
  };
  const say = () => {
    const state = paused() ? "paused" : past() ? "past" : open ? "on" : "off";
    bar.dataset.state = state;
    const words = bar.getAttribute("data-state-" + state);
    if (status.textContent !== words) status.textContent = words;
    button.setAttribute("aria-pressed", String(paused()));
  };
  const close = () => {
    if (source) source.close();
    source = null;
    open = false;
  };
  const settle = () => {
    const wanted = !paused() && !past() && !document.hidden;
    if (!wanted) close();
    if (wanted && !source) {
      source = new EventSource("/live");
      source.addEventListener("open", () => {
        open = true;
        say();
      });
      source.addEventListener("moved", (e) => {
        newest = Number(e.lastEventId);
        refresh();
      });
      source.addEventListener("error", () => {
        open = false;
        say();
        if (source && source.readyState === EventSource.CLOSED) {
          close();
          setTimeout(settle, 30000); // it was refused, perhaps for too many readers
        }
      });
      if (!bar.dataset.state) return; // the first word is said when it stands
    }
    say();
  };
  button.addEventListener("click", () => {
    sessionStorage.setItem(key, paused() ? "0" : "1");
    settle();
  });
  document.addEventListener("visibilitychange", settle);
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", settle);
  settle();
})();
