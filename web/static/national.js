// The national page with a script: live updates. The stream is the browser's own
// EventSource, which reconnects by itself; slide.js puts the new page in place.
"use strict";
(() => {
  const view = () => document.getElementById("view");
  const bar = document.getElementById("live");
  const status = document.getElementById("live-status");
  const button = document.getElementById("live-pause");

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
    // What is on its way to another moment is not taken back.
    while (source && newest > Number(view().dataset.head) && !view().hasAttribute("aria-busy")) {
      const before = view().dataset.head;
      await window.berkas.go(new URL(window.location.href));
      if (view().dataset.head === before) break; // nothing came: the next event tries again
    }
    refreshing = false;
  };
  const say = () => {
    const state = past() ? "past" : paused() ? "paused" : open ? "on" : "off";
    bar.dataset.state = state;
    const words = bar.getAttribute("data-state-" + state);
    if (status.textContent !== words) status.textContent = words;
    button.setAttribute("aria-pressed", String(paused()));
    button.hidden = past(); // nothing moves that could be paused
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
  document.addEventListener("berkas:shown", () => {
    settle();
    refresh();
  });
  document.addEventListener("visibilitychange", settle);
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", settle);
  settle();
})();
