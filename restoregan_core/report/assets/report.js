"use strict";
/* Demo and replay: a figure before and after, and a timeline for each camera. The data are columns, one value a frame;
   "images" and "groups" name frames by their place in the columns. A page may lack a column, or all images. */
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const byId = (id) => document.getElementById(id);
  const percent = (value) => (value === null || value === undefined ? "not assessed" : `${Math.round(value * 100)} %`);
  const positions = Object.keys(data.images).map(Number).sort((a, b) => data.time_s[a] - data.time_s[b]);
  const group = (name) => data.groups[name] ?? [];
  const groups = { worst: group("worst"), "most improved": group("most improved"), "most changed": group("most changed"), "all in order": positions };
  const known = (name, i) => data[name] !== undefined && data[name][i] !== null;
  const plots = [];
  const placeOf = {};
  let members = [];
  let shown = null;

  function show(position) {
    if (position === undefined || !data.images[position]) return;
    shown = position;
    const image = data.images[position];
    const wantsTruth = byId("right-side").value === "truth" && image.truth;
    byId("before").src = image.before;
    byId("after").src = wantsTruth ? image.truth : image.after;
    byId("right-tag").textContent = wantsTruth ? "ground truth" : "published";
    const place = members.indexOf(position);
    byId("frame").value = Math.max(0, place);
    byId("frame").setAttribute("aria-valuetext", `${data.time_s[position].toFixed(2)} seconds`);
    byId("caption").textContent = caption(position);
    drawTiles();
    plots.forEach((plot) => plot.redraw(false));
  }

  function caption(i) {
    const time = `${data.time_s[i].toFixed(2)} s`;
    const parts = [data.camera[i] ? `${data.camera[i]}, ${time}, frame ${i}` : time];
    if (data.condition) parts.push(`made: ${data.condition[i]}`);
    const action = data.action[i].replaceAll("_", " ").toLowerCase();
    const reason = data.reason[i].replaceAll("_", " ").toLowerCase();
    parts.push(`blur ${percent(data.blur_probability[i])}, rain ${percent(data.rain_probability[i])}`);
    parts.push(action + (reason === "none" ? "" : ` (${reason})`));
    if (data.action[i] === "RESTORED" && known("residual_blur_probability", i))
      parts.push(`left: blur ${percent(data.residual_blur_probability[i])}, rain ${percent(data.residual_rain_probability[i])}`);
    if (known("psnr_before", i) && known("psnr_after", i))
      parts.push(`PSNR ${data.psnr_before[i].toFixed(2)} → ${data.psnr_after[i].toFixed(2)} dB`);
    if (known("objects_before", i))
      parts.push(`objects ${data.objects_before[i]} → ${data.objects_after[i]} (gained ${data.objects_gained[i]}, lost ${data.objects_lost[i]})`);
    if (known("latency_ms", i)) parts.push(`latency ${data.latency_ms[i].toFixed(0)} ms`);
    return parts.join(" · ");
  }

  /* Tiles as numbers in boxes: no colour is needed to read them. */
  function drawTiles() {
    const canvas = byId("tiles");
    if (!canvas) return;
    const kind = byId("overlay").value;
    const box = canvas.getBoundingClientRect();
    canvas.width = Math.round(box.width * devicePixelRatio);
    canvas.height = Math.round(box.height * devicePixelRatio);
    if (!kind || shown === null || !byId("before").naturalWidth) return;
    const image = data.images[shown];
    const [rows, columns] = image.grid;
    const values = image[kind];
    if (!values.length) return;
    const context = canvas.getContext("2d");
    const [width, height] = [image.tile_width * canvas.width, image.tile_height * canvas.height];
    context.font = `${Math.max(9, Math.min(15, height / devicePixelRatio / 3)) * devicePixelRatio}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let row = 0; row < rows; row += 1)
      for (let column = 0; column < columns; column += 1) {
        const value = values[row * columns + column];
        if (value < 10) continue;
        const [x, y] = [column * width, row * height];
        context.strokeStyle = `rgb(255 255 255 / ${30 + value / 2}%)`;
        context.lineWidth = (value >= 50 ? 3 : 1) * devicePixelRatio;
        context.strokeRect(x + 2, y + 2, Math.min(width, canvas.width - x) - 4, Math.min(height, canvas.height - y) - 4);
        context.lineWidth = 3 * devicePixelRatio;
        context.strokeStyle = "#000";
        const [middleX, middleY] = [Math.min(x + width / 2, canvas.width - 8), Math.min(y + height / 2, canvas.height - 8)];
        context.strokeText(String(value), middleX, middleY);
        context.fillStyle = "#fff";
        context.fillText(String(value), middleX, middleY);
      }
  }

  function chooseGroup(name, position) {
    members = groups[name];
    document.querySelectorAll("#groups button").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.name === name)));
    byId("frame").max = Math.max(0, members.length - 1);
    show(position === undefined ? members[0] : position);
  }

  function step(by) {
    const place = members.indexOf(shown) + by;
    show(members[Math.max(0, Math.min(members.length - 1, place))]);
  }

  function setUpImages() {
    if (!positions.length) return;
    Object.entries(groups).forEach(([name, list]) => {
      if (!list.length || !byId("groups")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.name = name;
      button.textContent = `${name} (${list.length})`;
      button.addEventListener("click", () => chooseGroup(name));
      byId("groups").append(button);
    });
    byId("frame").addEventListener("input", (event) => show(members[Number(event.target.value)]));
    byId("previous").addEventListener("click", () => step(-1));
    byId("next").addEventListener("click", () => step(1));
    byId("overlay")?.addEventListener("change", drawTiles);
    byId("before").addEventListener("load", drawTiles);
    byId("right-side").addEventListener("change", () => show(shown));
    byId("right-label").hidden = !Object.values(data.images).some((image) => image.truth);
    const first = Object.keys(groups).find((name) => groups[name].length);
    if (first) chooseGroup(first, data.first ?? undefined);
  }

  /* Stretches of one condition as labelled bands. */
  function drawConditions(u, rows) {
    const { ctx, bbox } = u;
    const toPixels = (i) => u.valToPos(placeOf[i], "x", true);
    ctx.save();
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    let start = 0;
    rows.forEach((i, index) => {
      const next = rows[index + 1];
      const condition = data.condition[i];
      if (next !== undefined && data.condition[next] === condition) return;
      const left = toPixels(rows[start]);
      const right = toPixels(next === undefined ? i : next);
      ctx.fillStyle = condition === "clean" ? "#ffffff" : "#eef1f5";
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      ctx.fillStyle = "#5a6575";
      ctx.save();
      ctx.beginPath();
      ctx.rect(left, bbox.top, right - left, bbox.height);
      ctx.clip();
      ctx.fillText(condition, left + 6 * devicePixelRatio, bbox.top + 34 * devicePixelRatio);
      ctx.restore();
      ctx.strokeStyle = "#c3cbd6";
      ctx.strokeRect(left, bbox.top, right - left, bbox.height);
      start = index + 1;
    });
    ctx.restore();
  }

  function drawCursor(u, camera) {
    if (shown === null || data.camera[shown] !== camera) return;
    const x = u.valToPos(placeOf[shown], "x", true);
    u.ctx.save();
    u.ctx.strokeStyle = "#1b2330";
    u.ctx.lineWidth = 2 * devicePixelRatio;
    u.ctx.beginPath();
    u.ctx.moveTo(x, u.bbox.top);
    u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
    u.ctx.stroke();
    u.ctx.restore();
  }

  function nearestImage(camera, at) {
    let best;
    positions.forEach((i) => {
      if (data.camera[i] === camera && (best === undefined || Math.abs(placeOf[i] - at) < Math.abs(placeOf[best] - at))) best = i;
    });
    return best;
  }

  /* Gives each frame its place on the time axis, in recorded seconds; a pause is a narrow band, however long it was. */
  function placeFrames(rows) {
    const length = (n) => (data.after_pause?.[rows[n]] ? data.time_s[rows[n]] - data.time_s[rows[n - 1]] : 0);
    const lengths = rows.map((_, n) => length(n));
    const count = lengths.filter((seconds) => seconds > 0).length;
    const recorded = data.time_s[rows[rows.length - 1]] - data.time_s[rows[0]] - lengths.reduce((sum, seconds) => sum + seconds, 0);
    const width = (recorded || 1) * Math.min(0.04, 0.4 / Math.max(count, 1));
    const pauses = [];
    let cut = 0;
    rows.forEach((i, n) => {
      if (lengths[n]) {
        cut += lengths[n] - width;
        pauses.push({ from: placeOf[rows[n - 1]], to: data.time_s[i] - cut, seconds: lengths[n], cut });
      }
      placeOf[i] = data.time_s[i] - cut;
    });
    return pauses;
  }

  /* The seconds at places of the axis; "" within a pause. */
  function secondsAt(places, pauses) {
    const step = places.length > 1 ? places[1] - places[0] : 1;
    return places.map((place) => {
      if (pauses.some((pause) => pause.from < place && place < pause.to)) return "";
      const passed = pauses.filter((pause) => pause.to <= place).pop();
      return (place + (passed ? passed.cut : 0)).toFixed(step >= 1 ? 0 : step >= 0.1 ? 1 : 2);
    });
  }

  function drawPauses(u, pauses) {
    u.ctx.save();
    u.ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    u.ctx.textAlign = "center";
    u.ctx.textBaseline = "middle";
    pauses.forEach((pause) => {
      const left = Math.max(u.valToPos(pause.from, "x", true), u.bbox.left);
      const right = Math.min(u.valToPos(pause.to, "x", true), u.bbox.left + u.bbox.width);
      if (right <= left) return;
      u.ctx.fillStyle = "#eef1f5";
      u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
      if (right - left < 13 * devicePixelRatio) return;
      u.ctx.save();
      u.ctx.translate((left + right) / 2, u.bbox.top + u.bbox.height / 2);
      u.ctx.rotate(-Math.PI / 2);
      u.ctx.fillStyle = "#5a6575";
      u.ctx.fillText(`pause of ${duration(pause.seconds)}`, 0, 0);
      u.ctx.restore();
    });
    u.ctx.restore();
  }

  function duration(seconds) {
    if (seconds < 120) return `${seconds.toFixed(0)} s`;
    if (seconds < 7200) return `${(seconds / 60).toFixed(0)} min`;
    return seconds < 172800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86400).toFixed(1)} days`;
  }

  function setUpTimeline(camera) {
    const rows = data.camera.map((name, i) => (name === camera ? i : -1)).filter((i) => i >= 0);
    rows.sort((a, b) => data.time_s[a] - data.time_s[b]);
    if (!rows.length) return;
    const title = document.createElement("p");
    title.className = "camera-name";
    title.textContent = camera;
    title.hidden = !camera;
    const place = document.createElement("div");
    place.className = "plot";
    place.tabIndex = 0;
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", `Probabilities of blur and rain${camera && ` of ${camera}`} over time; the arrow keys step through the frames`);
    byId("timelines").append(title, place);
    /* A place of -1 stands for a pause of the recording: a time without values, where lines break off. */
    const places = rows.flatMap((i) => (data.after_pause?.[i] ? [-1, i] : [i]));
    const column = (name) => places.map((i) => (i < 0 ? null : data[name][i]));
    const pauses = placeFrames(rows);
    const xs = places.map((i, n) => (i < 0 ? (placeOf[places[n - 1]] + placeOf[places[n + 1]]) / 2 : placeOf[i]));
    const marks = (action) => places.map((i) => (i >= 0 && data.action[i] === action ? 1.04 : null));
    const value = (u, v) => (v === null || v === undefined ? "–" : percent(v));
    const mark = (u, v) => (v === null || v === undefined ? "–" : "yes");
    const line = { spanGaps: false, points: { show: rows.length === 1 }, value };
    const options = {
      width: place.clientWidth,
      height: 280,
      cursor: { drag: { x: true, y: false } },
      scales: { x: { time: false }, y: { range: [0, 1.09] } },
      axes: [
        { label: "seconds", labelSize: 22, size: 40, space: 70, values: (u, ticks) => secondsAt(ticks, pauses) },
        { values: (u, ticks) => ticks.map((t) => (t > 1 ? "" : percent(t))), size: 58 },
      ],
      series: [
        { label: "time", value: (u, v, series, n) => (n === null || n === undefined || places[n] < 0 ? "–" : `${data.time_s[places[n]].toFixed(2)} s`) },
        { label: "blur", stroke: "#0b5cad", width: 2, ...line },
        { label: "rain", stroke: "#b34700", width: 2, dash: [7, 4], ...line },
        { label: "blur left", stroke: "#0b5cad", width: 1, dash: [2, 3], ...line },
        { label: "rain left", stroke: "#b34700", width: 1, dash: [2, 3], ...line },
        { label: "■ restored", stroke: "#1f7a4d", width: 0, value: mark, points: { show: true, size: 5, fill: "#1f7a4d" }, paths: () => null },
        { label: "○ failed open", stroke: "#a3123a", width: 0, value: mark, points: { show: true, size: 9, fill: "#ffffff", width: 2 }, paths: () => null },
      ],
      hooks: { drawClear: [(u) => (data.condition ? drawConditions(u, rows) : drawPauses(u, pauses))], draw: [(u) => drawCursor(u, camera)] },
    };
    const columns = [xs, column("blur_probability"), column("rain_probability"), column("residual_blur_probability"), column("residual_rain_probability"), marks("RESTORED"), marks("FAILED_OPEN")];
    const plot = new uPlot(options, columns, place);
    plots.push(plot);
    let pressedAt = null;
    plot.over.addEventListener("mousedown", (event) => { pressedAt = event.clientX; });
    plot.over.addEventListener("click", (event) => {
      if (pressedAt !== null && Math.abs(event.clientX - pressedAt) > 4) return; // that was a zoom
      const at = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x");
      chooseGroup("all in order", nearestImage(camera, at));
    });
    place.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      if (members !== groups["all in order"]) chooseGroup("all in order", shown);
      step(event.key === "ArrowLeft" ? -1 : 1);
      event.preventDefault();
    });
    addEventListener("resize", () => { plot.setSize({ width: place.clientWidth, height: 280 }); });
  }

  data.cameras.forEach(setUpTimeline);
  setUpImages();
  addEventListener("resize", drawTiles);
})();
