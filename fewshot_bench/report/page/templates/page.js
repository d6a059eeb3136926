"use strict";
(() => {
  const details = JSON.parse(document.getElementById("details").textContent);
  const bibtex = JSON.parse(document.getElementById("bibtex").textContent);
  const form = document.getElementById("filters");
  const boards = [...document.querySelectorAll(".board")];
  const state = new Map(); // what the link remembers: filters, sorted columns, unfolded rows

  const make = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };

  // --- the link -----------------------------------------------------------------------------------------------
  const remember = (name, value) => {
    if (value) state.set(name, value); else state.delete(name);
    const text = new URLSearchParams([...state]).toString();
    history.replaceState(null, "", text ? "#?" + text : location.pathname + location.search);
  };
  const opened = () => (state.get("open") || "").split(",").filter(Boolean);

  // --- filters ------------------------------------------------------------------------------------------------
  const filter = () => {
    const asked = Object.fromEntries(new FormData(form));
    const words = asked.q.toLowerCase().split(/\s+/).filter(Boolean);
    let rows = 0, tables = 0;
    for (const board of boards) {
      const fits = ["dataset", "protocol"].every((name) => !asked[name] || board.dataset[name] === asked[name]);
      let left = 0;
      for (const row of board.querySelectorAll("tr.row")) {
        const shown = fits && words.every((word) => row.dataset.search.includes(word))
          && ["setting", "pretrained", "contaminated", "selection"].every((name) => !asked[name] || row.dataset[name] === asked[name]);
        row.hidden = !shown;
        const more = row.nextElementSibling;
        if (more && more.classList.contains("more")) more.hidden = !shown;
        left += shown ? 1 : 0;
      }
      board.hidden = left === 0;
      rows += left;
      tables += left ? 1 : 0;
    }
    document.getElementById("shown").textContent = `${rows} rows in ${tables} tables`;
    document.getElementById("nothing").hidden = rows > 0;
    for (const [name, value] of Object.entries(asked)) remember(name, value);
  };

  // --- sorting ------------------------------------------------------------------------------------------------
  const units = { ms: 0.001, s: 1, min: 60, h: 3600 };
  const readers = {
    text: (text) => text.toLowerCase(),
    number: (text) => (text ? parseFloat(text) : -Infinity),
    rank: (text) => { const [low, high] = text.split("–").map(Number); return low + (high || low) / 1e4; },
    time: (text) => { const [value, unit] = text.split(" "); return text ? parseFloat(value) * units[unit] : Infinity; },
  };
  const sort = (table, column, direction) => {
    const body = table.tBodies[0];
    const head = table.tHead.rows[0].cells[column];
    const read = readers[head.querySelector("button").dataset.sort];
    const rows = [...body.querySelectorAll("tr.row")].map((row) => {
      const more = row.nextElementSibling;
      return [row, more && more.classList.contains("more") ? more : null, read(row.cells[column].textContent.trim())];
    });
    const sign = direction === "descending" ? -1 : 1;
    rows.sort((a, b) => (a[2] < b[2] ? -sign : a[2] > b[2] ? sign : 0));
    for (const [row, more] of rows) { body.append(row); if (more) body.append(more); }
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction);
  };

  // --- details ------------------------------------------------------------------------------------------------
  const list = (rows, marked = []) => {
    const found = make("dl");
    for (const [name, value] of Object.entries(rows)) {
      found.append(make("dt", name), make("dd", value, marked.includes(name) ? { class: "changed" } : {}));
    }
    return found;
  };
  const grid = (heads, rows) => {
    const box = make("div", undefined, { class: "long", tabindex: "0" });
    const table = make("table");
    const head = table.createTHead().insertRow();
    for (const name of heads) head.append(make("th", name, { scope: "col" }));
    const body = table.createTBody();
    for (const row of rows) { const line = body.insertRow(); for (const value of row) line.append(make("td", value)); }
    box.append(table);
    return box;
  };
  const curve = (name, values, unit) => {
    // one line from left to right, between its lowest and its highest value
    const known = values.map((value, place) => [place, value]).filter(([, value]) => value !== null);
    if (!known.length) return make("span");
    const low = Math.min(...known.map(([, v]) => v)), high = Math.max(...known.map(([, v]) => v));
    const x = (place) => 4 + 232 * (values.length > 1 ? place / (values.length - 1) : 0.5);
    const y = (value) => 44 - 38 * (high > low ? (value - low) / (high - low) : 0.5);
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const label = `${name}: ${known[0][1]} to ${known[known.length - 1][1]} in ${values.length} ${unit}`;
    for (const [key, value] of [["viewBox", "0 0 240 50"], ["width", 240], ["height", 50], ["role", "img"], ["aria-label", label]]) svg.setAttribute(key, value);
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    line.setAttribute("points", known.map(([place, value]) => `${x(place).toFixed(1)},${y(value).toFixed(1)}`).join(" "));
    for (const [key, value] of [["fill", "none"], ["stroke", "currentColor"], ["stroke-width", 1.5]]) line.setAttribute(key, value);
    svg.append(line);
    const figure = make("figure");
    figure.append(svg, make("figcaption", label));
    return figure;
  };
  const part = (title, ...content) => {
    const box = make("div");
    box.append(make("h3", title), ...content);
    return box;
  };
  const percent = (share) => (100 * share).toFixed(1);
  const unfolded = (data) => {
    const box = make("div");
    box.append(make("p", data.summary + (data.reference ? ". " + data.reference : "")));
    const commands = data.commands.join("\n");
    const again = make("button", data.commands.length > 1 ? "Copy these commands" : "Copy this command", { type: "button" });
    again.addEventListener("click", () => copy(commands + "\n", again));
    box.append(make("pre", commands), again);
    if (data.trainings.length) {
      const each = make("ul");
      for (const line of data.trainings) each.append(make("li", line));
      box.append(part("Trainings", each));
    }
    const parts = make("div", undefined, { class: "grid" });
    if (Object.keys(data.parameters).length) parts.append(part("Parameters (changed ones bold)", list(data.parameters, data.set)));
    if (Object.keys(data.metrics).length) parts.append(part("Metrics, with 95 % intervals over episodes", list(data.metrics)));
    parts.append(part("Made", list(data.made)), part("Versions", list(data.versions)));
    for (const [name, series] of Object.entries(data.training)) {
      parts.append(part("Training of " + name, ...Object.entries(series).map(([key, values]) => curve(key, values, "epochs"))));
    }
    if (data.precision) parts.append(part("Precision at recall 0 to 1", curve("precision", data.precision, "steps of recall")));
    if (data.classes) {
      const name = (number) => (data.names || {})[number] || "class " + number;
      const sorted = [...data.classes].sort((a, b) => a[1] - b[1]);
      parts.append(part("Accuracy of each class, lowest first", grid(["class", "%", "queries"], sorted.map(([c, share, count]) => [name(c), percent(share), count]))));
      if (data.confused.length) parts.append(part("Most confused", grid(["is", "was called", "times"], data.confused.map(([a, b, times]) => [name(a), name(b), times]))));
      if (data.hardest.length) parts.append(part("Hardest queries (digest of the picture)", grid(["picture", "class", "% right", "asked"], data.hardest.map(([digest, c, share, asked]) => [digest, name(c), percent(share), asked]))));
    }
    box.append(parts);
    return box;
  };
  const unfold = (row, open) => {
    const button = row.querySelector(".unfold");
    const next = row.nextElementSibling;
    if ((button.getAttribute("aria-expanded") === "true") === open) return;
    button.setAttribute("aria-expanded", String(open));
    if (!open) { next.remove(); return; }
    const more = make("tr", undefined, { class: "more" });
    const cell = make("td", undefined, { colspan: row.cells.length });
    cell.append(unfolded(details[row.id]));
    more.append(cell);
    row.after(more);
  };

  // --- copying ------------------------------------------------------------------------------------------------
  const cellsOf = (board) => {
    const table = board.querySelector("table.ranked");
    const keep = [...table.tHead.rows[0].cells].map((cell, place) => (cell.classList.contains("drawn") ? -1 : place)).filter((place) => place >= 0);
    const text = (cell) => (cell.querySelector(".name") ? [...cell.querySelectorAll(".name, .set")].map((span) => span.textContent).join(" ") : cell.textContent.trim());
    const heads = keep.map((place) => table.tHead.rows[0].cells[place].textContent.trim());
    const rows = [...table.querySelectorAll("tr.row")].filter((row) => !row.hidden);
    return [heads, rows.map((row) => keep.map((place) => text(row.cells[place]))), rows.map((row) => row.classList.contains("best"))];
  };
  const writers = {
    csv: ([heads, rows]) => [heads, ...rows].map((row) => row.map((value) => {
      const safe = /^[=+\-@\t\r]/.test(value) ? "'" + value : value; // no spreadsheet takes it for a formula
      return /[",\n\r]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
    }).join(",")).join("\n") + "\n",
    markdown: ([heads, rows]) => [heads, heads.map(() => "---"), ...rows]
      .map((row) => "| " + row.map((value) => value.replace(/[\\`*_<>|[\]]/g, "\\$&")).join(" | ") + " |").join("\n") + "\n",
    latex: ([heads, rows, best]) => {
      const names = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "±": "$\\pm$", "–": "--" };
      const safe = (value) => value.replace(/[\\~^±–&%$#_{}]/g, (mark) => names[mark] || "\\" + mark);
      const line = (row, bold) => row.map((value, place) => (bold && place === 2 ? `\\textbf{${safe(value)}}` : safe(value))).join(" & ") + " \\\\";
      return ["% \\usepackage{booktabs}", `\\begin{tabular}{rl${"r".repeat(heads.length - 2)}}`, "\\toprule", line(heads), "\\midrule",
        ...rows.map((row, place) => line(row, best[place])), "\\bottomrule", "\\end{tabular}", ""].join("\n");
    },
  };
  const copy = async (text, button) => {
    const before = button.textContent;
    let done = true;
    try { await navigator.clipboard.writeText(text); } catch {
      const area = make("textarea", text, { "aria-hidden": "true" });
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    document.body.dataset.copied = text;
    button.textContent = done ? "Copied" : "Could not copy";
    setTimeout(() => { button.textContent = before; }, 1500);
  };

  // --- wiring -------------------------------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.copy === "bibtex") copy(bibtex, button);
    else if (button.dataset.copy) copy(writers[button.dataset.copy](cellsOf(button.closest(".board"))), button);
    else if (button.dataset.reset !== undefined) form.reset();
    else if (button.dataset.sort) {
      const cell = button.closest("th"), table = button.closest("table");
      const first = ["number"].includes(button.dataset.sort) ? "descending" : "ascending";
      const now = cell.getAttribute("aria-sort");
      const direction = !now ? first : now === "ascending" ? "descending" : "ascending";
      sort(table, cell.cellIndex, direction);
      remember("sort", `${button.closest(".board").id}.${cell.cellIndex}.${direction}`);
    } else if (button.classList.contains("unfold")) {
      const row = button.closest("tr"), open = button.getAttribute("aria-expanded") !== "true";
      unfold(row, open);
      remember("open", open ? [...opened(), row.id].join(",") : opened().filter((id) => id !== row.id).join(","));
    }
  });
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  const follow = () => {
    if (!location.hash.startsWith("#?")) {
      const target = document.getElementById(location.hash.slice(1));
      if (target && (target.hidden || target.closest("[hidden]"))) { form.reset(); filter(); target.scrollIntoView(); }
      return;
    }
    for (const [name, value] of new URLSearchParams(location.hash.slice(2))) state.set(name, value);
    for (const field of form.elements) if (field.name && state.has(field.name)) field.value = state.get(field.name);
    const [board, column, direction] = (state.get("sort") || "").split(".");
    const table = board && document.getElementById(board) && document.getElementById(board).querySelector("table.ranked");
    const cell = table && table.tHead.rows[0].cells[Number(column)];
    if (cell && cell.querySelector("button")) sort(table, Number(column), direction === "ascending" ? "ascending" : "descending");
    for (const id of opened()) { const row = document.getElementById(id); if (row && details[id]) unfold(row, true); }
    filter();
  };
  addEventListener("hashchange", follow);
  follow();
})();
