"use strict";
(() => {
  // Tables: sorted by a click on a header, searched and filtered by family.
  const number = (text) => {
    const found = text.trim().match(/^[<>]?\s*(-?\+?[\d,]*\.?\d+)/);
    return found ? parseFloat(found[1].replace(/,/g, "").replace("+", "")) : NaN;
  };
  const compare = (one, other) => {
    const [a, b] = [number(one), number(other)];
    if (isNaN(a) && isNaN(b)) return one.localeCompare(other);
    return isNaN(a) ? 1 : isNaN(b) ? -1 : a - b;
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    table.querySelectorAll("thead th").forEach((head, column) => {
      if (!head.textContent.trim()) return; // a button without a name is none
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending" ||
          (!head.hasAttribute("aria-sort") && !head.classList.contains("left"));
        table.querySelectorAll("th[aria-sort]").forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows].map((row) => [row.cells[column].textContent, row]);
        const missing = (text) => text.trim() === "-";
        rows.sort(([one], [other]) => missing(one) - missing(other) || (down ? -1 : 1) * compare(one, other));
        body.append(...rows.map(([, row]) => row));
      });
    });
  }
  for (const tools of document.querySelectorAll(".tools[data-for]")) {
    const rows = [...document.getElementById(tools.dataset.for).tBodies[0].rows];
    const search = tools.querySelector("input");
    const family = tools.querySelector("select");
    const shown = tools.querySelector("output");
    const filter = () => {
      const asked = search.value.trim().toLowerCase();
      let count = 0;
      for (const row of rows) {
        const fits = row.textContent.toLowerCase().includes(asked) &&
          (!family.value || row.dataset.family === family.value);
        row.hidden = !fits;
        count += fits;
      }
      shown.textContent = count === rows.length ? "" : `${count} of ${rows.length}`;
    };
    search.addEventListener("input", filter);
    family.addEventListener("change", filter);
    tools.hidden = false;
  }

  // Matrices: another condition is written into the cells that are there; a pointer reads a cell in words.
  // Shares are millionths.
  const all = 1000000;
  const whole = (value) => Math.floor(value / 10000 + 0.5);
  const decimal = (value) => value === all ? "100" : value === 0 ? "0" :
    value < 500 ? "<0.1" : value >= 999500 ? ">99.9" : (value / 10000).toFixed(1);
  const percent = (value) => value < 0 ? "-" :
    whole(value) > 0 && whole(value) < 100 ? String(whole(value)) : decimal(value);
  const step = (value) => value === all ? 100 : value === 0 ? 0 : Math.min(99, Math.max(1, whole(value)));
  const tip = document.getElementById("tip");
  for (const source of document.querySelectorAll("script.matrices")) {
    const numbers = JSON.parse(source.textContent);
    const figure = source.closest("figure");
    const panels = [...figure.querySelectorAll("g.cells")].map((cells) => ({
      boxes: [...cells.querySelectorAll("rect")], texts: [...cells.querySelectorAll("text")], cells,
    }));
    let condition = 0;
    const cellOf = (target) => {
      const cells = target.closest("g.cells");
      const panel = panels.findIndex((one) => one.cells === cells);
      if (panel < 0) return null;
      const kind = target.tagName === "rect" ? "boxes" : "texts";
      return [panel, panels[panel][kind].indexOf(target)];
    };
    const words = ([panel, place]) => {
      const [rows, columns] = numbers.labels[panel];
      const [row, column] = [rows[Math.floor(place / columns.length)], columns[place % columns.length]];
      const [value, low, high, count] = ["values", "low", "high", "n"].map((one) => numbers[one][condition][panel][place]);
      if (value < 0) return `${row}, ${column}: not scored`;
      const interval = low < 0 ? "" : ` [${decimal(low)}, ${decimal(high)}]`;
      return `${numbers.titles[panel]} ${numbers.axes[0]} ${row}, ${numbers.axes[1]} ${column}: ` +
        `${decimal(value)} %${interval}, n ${count}`;
    };
    figure.addEventListener("pointermove", (event) => {
      const cell = cellOf(event.target);
      tip.hidden = !cell;
      if (!cell) return;
      tip.textContent = words(cell);
      tip.style.left = `${Math.min(event.clientX + 12, innerWidth - 330)}px`;
      tip.style.top = `${event.clientY + 16}px`;
    });
    figure.addEventListener("pointerleave", () => { tip.hidden = true; });
    const select = figure.querySelector("select");
    const show = () => {
      condition = select.selectedIndex;
      panels.forEach(({boxes, texts}, panel) => boxes.forEach((box, place) => {
        const value = numbers.values[condition][panel][place];
        const css = value < 0 ? "missing" : `h${step(value)}`;
        const text = percent(value);
        const bold = texts[place].classList.contains("bold") ? " bold" : "";
        box.setAttribute("class", css);
        texts[place].textContent = text;
        texts[place].setAttribute("class", `${text.length > 3 ? "tiny" : "number"}${bold} ${value < 0 ? "faint" : css}`);
      }));
    };
    if (select) select.addEventListener("change", show);
    const save = figure.querySelector("button.save");
    save.addEventListener("click", () => {
      const quoted = (text) => `"${String(text).replace(/"/g, '""').replace(/^[=+\-@\t\r]/, "'$&")}"`;
      const titled = numbers.titles.some((one) => one);
      const first = titled ? ["detector"] : [];
      const lines = [[...first, ...numbers.axes, "condition", "accuracy", "low", "high", "n"].map(quoted).join(",")];
      const share = (value) => value < 0 ? "" : value / all;
      numbers.conditions.forEach((name, at) => numbers.labels.forEach(([rows, columns], panel) => {
        rows.forEach((row, down) => columns.forEach((column, across) => {
          const place = down * columns.length + across;
          const own = ["values", "low", "high"].map((one) => share(numbers[one][at][panel][place]));
          const texts = [...(titled ? [numbers.titles[panel]] : []), row, column, name].map(quoted);
          const count = numbers.n[at][panel][place];
          lines.push([...texts, ...own, count < 0 ? "" : count].join(","));
        }));
      }));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([lines.join("\r\n")], {type: "text/csv"}));
      link.download = "cells.csv";
      link.click();
      URL.revokeObjectURL(link.href);
    });
    figure.querySelector(".tools").hidden = false;
  }

  // On paper everything stands open.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((one) => { one.open = false; }));

  // Light and dark by choice.
  const ground = document.getElementById("ground");
  ground.hidden = false;
  ground.addEventListener("click", () => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset.theme || (dark ? "dark" : "light");
    document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  });
})();
