// Draws the chart, and brings the page up to date each minute. Without it the page is whole: the tables say the same.
"use strict";
(() => {
  const EVERY_MS = 60000;
  const HEIGHT = 270;
  const sources = new Map(); // the parts of the page as the server wrote them, by id
  let chart = null;

  function money(value) {
    const digits = value >= 100 || value === 0 ? 0 : value >= 1 ? 2 : 4;
    return "$" + value.toLocaleString("en-US", {minimumFractionDigits: digits > 2 ? 0 : digits, maximumFractionDigits: digits});
  }

  function draw() {
    const place = document.getElementById("chart");
    const source = document.getElementById("chart-data");
    if (chart) { chart.destroy(); chart = null; }
    if (!place || !source || typeof uPlot === "undefined") return;
    const {labels, names, values} = JSON.parse(source.textContent);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    // Each value lies on those before it; the highest is drawn first, and the lower ones cover its foot.
    const sums = [];
    values.forEach((one, i) => sums.push(one.map((value, j) => value + (i ? sums[i - 1][j] : 0))));
    const order = names.map((_, i) => i).reverse();
    const bars = uPlot.paths.bars({size: [0.82, 60], gap: 0});
    const axis = {stroke: colour("--dim"), grid: {stroke: colour("--line"), width: 1}, ticks: {show: false}, font: "12px system-ui, sans-serif"};
    const caption = place.parentNode.querySelector("figcaption");
    const told = caption.textContent;
    place.classList.add("drawn");
    chart = new uPlot({
      width: place.clientWidth,
      height: HEIGHT,
      legend: {show: false},
      cursor: {y: false, drag: {x: false, y: false}, points: {show: false}},
      scales: {x: {time: false, range: [-0.6, labels.length - 0.4]}, y: {range: (u, low, high) => [0, high > 0 ? high * 1.06 : 1]}},
      axes: [
        {...axis, grid: {show: false}, incrs: [1, 2, 3, 4, 6, 7, 12, 14, 28], space: 46, values: (u, at) => at.map((i) => labels[i] || "")},
        {...axis, size: 56, values: (u, at) => at.map(money)},
      ],
      series: [{}, ...order.map((i) => ({fill: colour("--k" + Math.min(i, 6)), stroke: colour("--edge"), width: 1, paths: bars, points: {show: false}}))],
      hooks: {
        setCursor: [(u) => {
          const j = u.cursor.idx;
          if (j == null || u.cursor.left < 0) { caption.textContent = told; return; }
          const parts = names.map((name, i) => [values[i][j], name]).filter(([value]) => value > 0);
          parts.sort((a, b) => b[0] - a[0]);
          const all = parts.reduce((sum, [value]) => sum + value, 0);
          caption.textContent = labels[j] + ": " + money(all) + (parts.length ? " · " : "") +
            parts.slice(0, 4).map(([value, name]) => name + " " + money(value)).join(" · ") + (parts.length > 4 ? " …" : "");
        }],
      },
    }, [labels.map((_, j) => j), ...order.map((i) => sums[i])], place);
  }

  function parts(root) {
    return [...root.querySelectorAll("#head, #foot, main > [id]")];
  }

  function isBeingFilled(part) {
    return [...part.querySelectorAll("input:not([type=hidden]), select")].some((field) =>
      field === document.activeElement || (field.tagName === "INPUT" && field.value !== field.defaultValue));
  }

  // The new part in place of the old one: what was unfolded stays so, and the focus where it was.
  function replace(old, fresh) {
    const open = [...old.querySelectorAll("details[open][id]")].map((one) => one.id);
    const focus = old.contains(document.activeElement) ? document.activeElement : null;
    const target = focus && (focus.id || focus.getAttribute("href") || (focus.tagName === "SUMMARY" ? focus.parentNode.id : ""));
    const scrolled = [...old.querySelectorAll(".wide")].map((one) => one.scrollLeft);
    old.replaceWith(fresh);
    open.forEach((id) => { const one = document.getElementById(id); if (one) one.open = true; });
    fresh.querySelectorAll(".wide").forEach((one, i) => { one.scrollLeft = scrolled[i] || 0; });
    if (!target) return;
    const again = [...fresh.querySelectorAll("[id], a[href], details > summary")].find((one) =>
      one.id === target || one.getAttribute("href") === target || (one.tagName === "SUMMARY" && one.parentNode.id === target));
    const focused = again && again.tagName === "DETAILS" ? again.querySelector("summary") : again;
    if (focused) focused.focus({preventScroll: true});
  }

  function update(fresh) {
    const wanted = parts(fresh);
    const ids = new Set(wanted.map((part) => part.id));
    parts(document).forEach((part) => { if (!ids.has(part.id) && !isBeingFilled(part)) part.remove(); });
    let before = null;
    let charted = false;
    for (const part of wanted) {
      const source = part.outerHTML;
      let here = document.getElementById(part.id);
      if (!here && part.parentNode.id === "main") {
        here = document.adoptNode(part);
        if (before) before.after(here); else document.getElementById("main").prepend(here);
        sources.set(part.id, source);
        charted = charted || part.id === "spend";
      } else if (here && sources.get(part.id) !== source && !isBeingFilled(here)) {
        sources.set(part.id, source);
        replace(here, document.adoptNode(part));
        here = document.getElementById(part.id);
        charted = charted || part.id === "spend";
      }
      if (here && here.parentNode.id === "main") before = here;
    }
    if (document.title !== fresh.title) document.title = fresh.title;
    if (charted) draw();
  }

  function stale(words) {
    let note = document.getElementById("stale");
    if (!words) { if (note) note.remove(); return; }
    if (!note) {
      note = document.createElement("p");
      note.id = "stale";
      note.className = "notice";
      note.setAttribute("role", "status");
      document.querySelector("main").before(note);
    }
    if (note.textContent !== words) note.textContent = words;
  }

  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.pathname + location.search, {cache: "no-store", credentials: "same-origin", redirect: "error"});
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      update(new DOMParser().parseFromString(await answer.text(), "text/html"));
      stale("");
    } catch {
      stale("Fusewatch does not answer. What stands here may be old.");
    }
  }

  function unfold() {
    const one = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (one && one.tagName === "DETAILS") one.open = true;
  }

  parts(document).forEach((part) => sources.set(part.id, part.outerHTML));
  const address = new URL(location.href);
  if (address.searchParams.has("told")) {
    address.searchParams.delete("told");
    history.replaceState(null, "", address);
  }
  draw();
  unfold();
  addEventListener("hashchange", unfold);
  let width = innerWidth;
  addEventListener("resize", () => {
    const place = document.getElementById("chart");
    if (chart && place && innerWidth !== width) chart.setSize({width: place.clientWidth, height: HEIGHT});
    width = innerWidth;
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  setInterval(refresh, EVERY_MS);
  document.addEventListener("visibilitychange", refresh);
})();
