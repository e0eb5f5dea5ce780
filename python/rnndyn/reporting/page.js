"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  // On a narrow screen the buttons would lie on the legend; fingers turn and zoom there.
  const narrow = matchMedia("(max-width: 640px)").matches;
  const config = { responsive: true, displaylogo: false, displayModeBar: narrow ? false : "hover" };
  const root = document.documentElement;

  // Colours are written "@name" in the figures and looked up in the style sheet, so that they
  // follow the light or dark theme.
  const paletteNow = () => {
    const style = getComputedStyle(root);
    return (name) => style.getPropertyValue("--" + name).trim();
  };
  const light = (name) => figures.light[name];
  const resolved = (value, color) => {
    if (typeof value === "string") return value.startsWith("@") ? color(value.slice(1)) : value;
    if (Array.isArray(value)) {
      return typeof value[0] === "number" ? value : value.map((entry) => resolved(entry, color));
    }
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, resolved(v, color)]));
    }
    return value;
  };

  // From farther away, and smaller, the names of the axes are within a narrow figure.
  const makeRoom = (scene) => {
    for (const axis of ["x", "y", "z"]) {
      scene.camera.eye[axis] *= 1.3;
      const own = scene[axis + "axis"];
      own.title.font = { size: 11 };
      own.tickfont = { size: 9 };
      own.nticks = 4;
    }
  };

  const draw = async (id, figure) => {
    const place = document.getElementById(id);
    const { data, layout } = resolved(figure, paletteNow());
    // What the reader turned or zoomed stays when the theme changes.
    if (narrow && layout.scene) makeRoom(layout.scene);
    await Plotly.react(place, data, { ...layout, uirevision: "keep" }, config);
    place.classList.add("drawn");
  };

  // Paper is white whatever the theme, and what WebGL draws does not print: pictures stand in.
  const drawForPrint = async (id, figure) => {
    const picture = document.getElementById(id + "-print");
    const { data, layout } = resolved(figure, light);
    const size = figure.printSize;
    picture.src = await Plotly.toImage(
      { data, layout: { ...layout, paper_bgcolor: "#ffffff" } },
      { format: "png", width: size[0], height: size[1], scale: 2 },
    );
  };

  const drawAll = async () => {
    for (const [id, figure] of Object.entries(figures.plots)) await draw(id, figure);
    if (chosen !== null) highlight(chosen);
  };

  // A cycle chosen in the table is marked in the figures, whose last trace is for that.
  let chosen = null;
  const highlight = (cycle) => {
    for (const [id, figure] of Object.entries(figures.plots)) {
      if (!figure.highlight) continue;
      const points = { x: [], y: [], z: [] };
      for (const trace of figure.data) {
        if (!trace.customdata) continue;
        trace.customdata.forEach((row, i) => {
          if (row[0] !== cycle) return;
          for (const axis of ["x", "y", "z"]) if (trace[axis]) points[axis].push(trace[axis][i]);
        });
      }
      const last = figure.data.length - 1;
      const update = { x: [points.x], y: [points.y] };
      if (figure.data[last].z) update.z = [points.z];
      Plotly.restyle(id, update, [last]);
    }
  };
  const rows = [...document.querySelectorAll("tr[data-cycle]")];
  const choose = (row) => {
    const cycle = Number(row.dataset.cycle);
    chosen = chosen === cycle ? null : cycle;
    for (const other of rows) {
      const is = Number(other.dataset.cycle) === chosen;
      other.classList.toggle("chosen", is);
      other.setAttribute("aria-selected", String(is));
    }
    highlight(chosen);
  };
  for (const row of rows) {
    row.addEventListener("click", (event) => {
      if (!event.target.closest("details")) choose(row);
    });
    row.addEventListener("keydown", (event) => {
      if (event.target === row && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        choose(row);
      }
    });
  }

  // Sorting: numbers as numbers, everything else as text; equal rows keep their order.
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const button = heading.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const up = heading.getAttribute("aria-sort") !== "ascending";
        for (const other of headings) {
          if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
        }
        heading.setAttribute("aria-sort", up ? "ascending" : "descending");
        const body = table.tBodies[0];
        const sorted = [...body.rows].sort((a, b) => {
          const [x, y] = [key(a, column), key(b, column)];
          const order = typeof x === "number" ? x - y : x.localeCompare(y);
          return up ? order : -order;
        });
        body.append(...sorted);
      });
    });
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (root.dataset.ready) drawAll();
  });
  // plotly.js lies packed in the page.
  const unpack = async () => {
    if (typeof DecompressionStream === "undefined") {
      throw new Error("this browser is from before 2023 and cannot unpack it");
    }
    const packed = atob(document.getElementById("drawing").textContent);
    const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    (0, eval)(await new Response(stream).text());
  };
  const start = async () => {
    await unpack();
    await drawAll();
    for (const [id, figure] of Object.entries(figures.plots)) await drawForPrint(id, figure);
    root.dataset.ready = "true";
  };
  start().catch((error) => {
    root.dataset.ready = "failed";
    for (const place of document.querySelectorAll(".plot:not(.drawn)")) {
      place.textContent = "This figure could not be drawn: " + error;
    }
  });
})();
