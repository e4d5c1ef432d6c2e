// Pages that move in time with a script: sliders and links of class "move" that
// put another moment of the same page in its place. Everything it does can be done
// without it, by the links and the form. htmx morphs the new page into the old
// one, so that focus, scroll and opened details stay.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const view = () => document.getElementById("view");
  const dates = new Intl.DateTimeFormat(root.lang === "en" ? "en-GB" : "id-ID", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  const numbers = new Intl.NumberFormat(root.lang === "en" ? "en-GB" : "id-ID");

  // Going to another address of this page.
  let turn = 0;
  const go = async (url, keep) => {
    const mine = ++turn;
    const asked = new URL(url);
    asked.hash = ""; // or the page would jump there
    if (keep) view().setAttribute("aria-busy", "true");
    try {
      await htmx.ajax("GET", asked.toString(), { source: "#view", target: "#view", select: "#view", swap: "outerMorph" });
    } finally {
      if (mine === turn) view().removeAttribute("aria-busy");
    }
    if (mine !== turn) return; // another one is under way
    if (keep === "push") history.pushState(null, "", url);
    if (keep === "replace") history.replaceState(null, "", url);
    document.dispatchEvent(new Event("berkas:shown"));
  };
  // An answer that comes while a slider is being moved would put it back: what it
  // stands at then is asked for next. What is no page of this kind, for instance
  // because the session has ended, is shown as the browser shows it.
  let waiting = 0;
  const stand = () => {
    clearTimeout(waiting);
    waiting = 0;
  };
  document.addEventListener("htmx:before:swap", (e) => {
    if (waiting) e.preventDefault();
    if (waiting || e.detail.ctx.text.includes('id="view"')) return;
    e.preventDefault();
    window.location.reload();
  });
  document.addEventListener("click", (e) => {
    const link = e.target.closest("a.move");
    if (!link || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    stand();
    go(new URL(link.href), "push");
  });
  window.addEventListener("popstate", () => {
    stand();
    go(new URL(window.location.href));
  });

  // Sliders.
  const place = (range) => {
    const n = Number(range.value);
    const list = range.dataset.places && JSON.parse(range.dataset.places);
    if (list && n < list.length) return { value: String(list[n][0]), words: list[n][1] };
    if (n >= Number(range.max)) return { value: "", words: range.dataset.latest };
    if (range.dataset.step) {
      const position = (n + 1) * Number(range.dataset.step);
      return { value: String(position), words: range.dataset.word + numbers.format(position) };
    }
    const day = new Date(Date.parse(range.dataset.first + "T00:00:00Z") + n * 86400000);
    return { value: day.toISOString().slice(0, 10), words: dates.format(day) };
  };
  document.addEventListener("input", (e) => {
    const range = e.target;
    if (!range.dataset.slider) return;
    const { value, words } = place(range);
    document.getElementById("said-" + range.dataset.slider).textContent = words;
    range.setAttribute("aria-valuetext", words);
    stand();
    waiting = setTimeout(() => {
      waiting = 0;
      const url = new URL(window.location.href);
      url.searchParams.delete("lang");
      url.hash = "";
      if (value) url.searchParams.set(range.dataset.slider, value);
      else url.searchParams.delete(range.dataset.slider);
      go(url, "replace");
    }, 120);
  });
  window.berkas = { go };
})();
