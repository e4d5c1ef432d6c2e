// The slider of the national page: it moves as-of by days and puts the answer of
// the server in place of what the page shows. Everything it does can be done
// without it, by the links below it and by the form.
"use strict";
(() => {
  const box = document.querySelector("[data-slider]");
  if (!box) return;
  const range = box.querySelector("input[type=range]");
  const label = box.querySelector("[data-slider-label]");
  const status = box.querySelector("[data-slider-status]");
  const months = box.dataset.months.split(",");
  const days = Number(box.dataset.days);
  const first = Date.parse(box.dataset.first + "T00:00:00Z");
  const dayAt = (n) => new Date(first + n * 86400000);
  const words = (n) => {
    if (n >= days) return box.dataset.latest;
    const d = dayAt(n);
    return d.getUTCDate() + " " + months[d.getUTCMonth()] + " " + d.getUTCFullYear();
  };
  const say = () => {
    const text = words(Number(range.value));
    label.textContent = text;
    range.setAttribute("aria-valuetext", text);
  };
  const address = (n) => {
    const url = new URL(window.location.href);
    url.searchParams.delete("lang");
    url.hash = "";
    if (n >= days) url.searchParams.delete("as-of");
    else url.searchParams.set("as-of", dayAt(n).toISOString().slice(0, 10));
    return url;
  };

  let waiting = 0;
  let asked = null;
  const show = (page) => {
    for (const part of page.querySelectorAll("[data-live]")) {
      const here = document.querySelector('[data-live="' + part.dataset.live + '"]');
      if (here) here.replaceChildren(...document.importNode(part, true).childNodes);
    }
  };
  const move = async () => {
    const n = Number(range.value);
    const url = address(n);
    if (asked) asked.abort();
    asked = new AbortController();
    const live = document.querySelector('[data-live="figures"]');
    live.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(url, { headers: { Accept: "text/html" }, signal: asked.signal });
      if (answer.status !== 200) {
        window.location.assign(url);
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      show(page);
      history.replaceState(null, "", url);
      status.textContent = words(n);
    } catch (e) {
      if (e.name === "AbortError") return;
      window.location.assign(url);
      return;
    }
    live.removeAttribute("aria-busy");
  };
  range.addEventListener("input", () => {
    say();
    clearTimeout(waiting);
    waiting = setTimeout(move, 120);
  });
  box.querySelector(".track").hidden = false;
})();
