"use strict";
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const byId = (id) => document.getElementById(id);
  const percent = (value) => (value === null ? "not assessed" : `${Math.round(value * 100)} %`);
  let shown = -1;
  let plot = null;

  function show(number) {
    if (!data.images.length) return;
    shown = Math.max(0, Math.min(data.images.length - 1, number));
    const image = data.images[shown];
    const row = data.rows[image.row];
    const right = byId("right-side").value;
    byId("before").src = image.before;
    byId("after").src = right === "truth" && image.truth ? image.truth : image.after;
    byId("right-tag").textContent = right === "truth" && image.truth ? "ground truth" : "published";
    byId("frame").value = shown;
    byId("frame").setAttribute("aria-valuetext", `${row.time_s.toFixed(2)} seconds`);
    byId("caption").textContent = caption(row);
    if (plot) plot.redraw(false);
  }

  function caption(row) {
    const parts = [`${row.time_s.toFixed(2)} s`];
    if (row.condition) parts.push(`made: ${row.condition}`);
    parts.push(`blur ${percent(row.blur_probability)}, rain ${percent(row.rain_probability)}`);
    parts.push(row.action + (row.reason === "none" ? "" : ` (${row.reason})`));
    if (row.residual_blur_probability !== null && row.action === "restored")
      parts.push(`left: blur ${percent(row.residual_blur_probability)}, rain ${percent(row.residual_rain_probability)}`);
    if (row.psnr_before !== null && row.psnr_after !== null)
      parts.push(`PSNR ${row.psnr_before.toFixed(2)} → ${row.psnr_after.toFixed(2)} dB`);
    if (row.latency_ms !== null) parts.push(`latency ${row.latency_ms.toFixed(0)} ms`);
    return parts.join(" · ");
  }

  function nearestImage(time_s) {
    let best = 0;
    data.images.forEach((image, number) => {
      const distance = Math.abs(data.rows[image.row].time_s - time_s);
      if (distance < Math.abs(data.rows[data.images[best].row].time_s - time_s)) best = number;
    });
    return best;
  }

  function setUpImages() {
    if (!data.images.length) return;
    byId("frame").max = data.images.length - 1;
    byId("frame").addEventListener("input", (event) => show(Number(event.target.value)));
    byId("previous").addEventListener("click", () => show(shown - 1));
    byId("next").addEventListener("click", () => show(shown + 1));
    byId("right-side").addEventListener("change", () => show(shown));
    byId("right-side").parentElement.hidden = !data.images.some((image) => image.truth);
    show(data.first_image);
  }

  /* Stretches of one condition as a labelled band, and the frame that is shown as an upright line. */
  function drawBehind(u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    let start = 0;
    data.rows.forEach((row, index) => {
      const next = data.rows[index + 1];
      if (next && next.condition === row.condition) return;
      const left = u.valToPos(data.rows[start].time_s, "x", true);
      const right = u.valToPos(next ? next.time_s : row.time_s, "x", true);
      if (row.condition) {
        ctx.fillStyle = row.condition === "clean" ? "#ffffff" : "#eef1f5";
        ctx.fillRect(left, bbox.top, right - left, bbox.height);
        ctx.fillStyle = "#5a6575";
        ctx.save();
        ctx.beginPath();
        ctx.rect(left, bbox.top, right - left, bbox.height);
        ctx.clip();
        ctx.fillText(row.condition, left + 6 * devicePixelRatio, bbox.top + 34 * devicePixelRatio);
        ctx.restore();
        ctx.strokeStyle = "#c3cbd6";
        ctx.strokeRect(left, bbox.top, right - left, bbox.height);
      }
      start = index + 1;
    });
    ctx.restore();
  }

  function drawInFront(u) {
    if (shown < 0) return;
    const x = u.valToPos(data.rows[data.images[shown].row].time_s, "x", true);
    u.ctx.save();
    u.ctx.strokeStyle = "#1b2330";
    u.ctx.lineWidth = 2 * devicePixelRatio;
    u.ctx.beginPath();
    u.ctx.moveTo(x, u.bbox.top);
    u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
    u.ctx.stroke();
    u.ctx.restore();
  }

  function setUpTimeline() {
    const place = byId("timeline");
    if (!place || !data.rows.length) return;
    const column = (name) => data.rows.map((row) => row[name]);
    const failed = data.rows.map((row) => (row.action === "failed open" ? 1.04 : null));
    const restored = data.rows.map((row) => (row.action === "restored" ? 1.04 : null));
    const value = (u, v) => (v === null || v === undefined ? "–" : percent(v));
    const mark = (u, v) => (v === null || v === undefined ? "–" : "yes");
    const left = { spanGaps: false, points: { show: false }, value };
    const options = {
      width: place.clientWidth,
      height: 300,
      cursor: { drag: { x: true, y: false } },
      scales: { x: { time: false }, y: { range: [0, 1.09] } },
      axes: [
        { label: "seconds", labelSize: 22, size: 40 },
        { values: (u, ticks) => ticks.map((t) => (t > 1 ? "" : percent(t))), size: 58 },
      ],
      series: [
        { label: "time", value: (u, v) => (v === null ? "–" : `${v.toFixed(2)} s`) },
        { label: "blur", stroke: "#0b5cad", width: 2, ...left },
        { label: "rain", stroke: "#b34700", width: 2, dash: [7, 4], ...left },
        { label: "blur left", stroke: "#0b5cad", width: 1, dash: [2, 3], ...left },
        { label: "rain left", stroke: "#b34700", width: 1, dash: [2, 3], ...left },
        { label: "■ restored", stroke: "#1f7a4d", width: 0, value: mark, points: { show: true, size: 5, fill: "#1f7a4d" }, paths: () => null },
        { label: "○ failed open", stroke: "#a3123a", width: 0, value: mark, points: { show: true, size: 9, fill: "#ffffff", width: 2 }, paths: () => null },
      ],
      hooks: { drawClear: [drawBehind], draw: [drawInFront] },
    };
    const columns = [column("time_s"), column("blur_probability"), column("rain_probability"), column("residual_blur_probability"), column("residual_rain_probability"), restored, failed];
    plot = new uPlot(options, columns, place);
    let pressed_at = null;
    plot.over.addEventListener("mousedown", (event) => { pressed_at = event.clientX; });
    plot.over.addEventListener("click", (event) => {
      if (pressed_at !== null && Math.abs(event.clientX - pressed_at) > 4) return; // that was a zoom
      show(nearestImage(plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x")));
    });
    place.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
        show(shown + (event.key === "ArrowLeft" ? -1 : 1));
        event.preventDefault();
      }
    });
    addEventListener("resize", () => plot.setSize({ width: place.clientWidth, height: 300 }));
  }

  setUpTimeline();
  setUpImages();
})();
