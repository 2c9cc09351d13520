"use strict";
// Asks for the state every few seconds, and puts in place what has changed.
const shown = {};
const fresh = document.getElementById("fresh");

// What was scrolled sideways stays so, and what had the focus keeps it.
function put(part, html) {
  const held = part.querySelector(".scroll");
  const [left, focused] = [held?.scrollLeft, held !== null && held === document.activeElement];
  part.innerHTML = html; // escaped by the server
  const now = part.querySelector(".scroll");
  if (now && left) now.scrollLeft = left;
  if (now && focused) now.focus({ preventScroll: true });
}

async function refresh() {
  let pause = 2000;
  try {
    const answer = await fetch("/state.json", { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const { state, parts, title } = await answer.json();
    document.title = title;
    for (const [name, html] of Object.entries(parts)) {
      if (shown[name] !== html) {
        shown[name] = html;
        put(document.getElementById(name), html);
      }
    }
    fresh.textContent = "seen " + new Date().toLocaleTimeString();
    fresh.className = "";
    if (state.stage === "finished" || state.stage === "ended") pause = 10000;
  } catch {
    fresh.textContent = "the server does not answer: start lineup serve again";
    fresh.className = "lost";
    pause = 5000;
  }
  setTimeout(refresh, pause);
}
refresh();
