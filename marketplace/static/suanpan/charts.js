"use strict";

// Each <div data-chart="kind" data-source="id"> is drawn from the JSON of the script element with that id.
(() => {
  const INK = "#1b2838", MUTED = "#566579", LINE = "#dfe5ec";
  const HEAT = ["#e8f0f8", "#cadcee", "#a5c3e0", "#79a4cd", "#4c83b8", "#29639c", "#123f70"];
  const SERIES = ["#1d5a9e", "#c24a2b", "#0b7a6b", "#8a5a00", "#6b4fa0", "#a3215f", "#4b596b", "#2f7d32"];
  const FONT = getComputedStyle(document.body).fontFamily;
  const yuan = (fen) => (fen === null ? "–" : "¥" + (fen / 100).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 }));
  const short = (number) => number.toLocaleString("en", { maximumFractionDigits: 0 });
  const narrow = () => window.innerWidth < 576;
  const tooltip = { renderMode: "richText", confine: true, backgroundColor: "#fff", borderColor: LINE, textStyle: { color: INK, fontFamily: FONT, fontSize: 12 } };
  const axis = { axisLabel: { color: MUTED, fontFamily: FONT }, axisLine: { lineStyle: { color: LINE } }, axisTick: { show: false }, splitLine: { lineStyle: { color: "#edf1f5" } } };
  const text = { fontFamily: FONT, color: INK };

  function quantiles(values, count) {
    const sorted = [...values].sort((a, b) => a - b);
    return Array.from({ length: count - 1 }, (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / count)]);
  }

  function heatmap(data, element) {
    const cuts = quantiles(data.cells.map((cell) => cell[2]).filter((price) => price !== null), HEAT.length);
    const shade = (price) => (price === null ? "#f6f7f9" : HEAT[cuts.filter((cut) => price > cut).length]);
    const left = narrow() ? 92 : 220;
    element.style.height = Math.max(180, data.pools.length * 20 + 44) + "px";
    const width = (element.clientWidth - left - 12) / data.slots.length;
    return {
      textStyle: text,
      grid: { left, right: 12, top: 8, bottom: 30 },
      tooltip: {
        ...tooltip,
        formatter: ({ value: [column, row, price, traded, offered] }) =>
          [data.pools[row], data.slots[column], price === null ? data.words.nothing : `${data.words.price} ${yuan(price)} ${data.words.unit}`, `${data.words.traded} ${short(traded)}`, `${data.words.offered} ${short(offered)}`].join("\n"),
      },
      xAxis: { type: "category", data: data.slots, ...axis, splitLine: { show: false }, axisLabel: { ...axis.axisLabel, hideOverlap: true } },
      yAxis: { type: "category", data: data.pools, inverse: true, ...axis, axisLine: { show: false }, axisLabel: { ...axis.axisLabel, width: left - 14, overflow: "truncate", formatter: (name) => (narrow() ? name.split(" · ")[0] : name) } },
      series: [{
        type: "scatter",
        symbol: "rect",
        symbolSize: [Math.max(1, Math.ceil(width) - (width > 6 ? 1 : 0)), 17],
        data: data.cells.map((value) => ({ value, itemStyle: { color: shade(value[2]) } })),
        emphasis: { itemStyle: { borderColor: INK, borderWidth: 1 } },
        animation: false,
      }],
      legendScale: { cuts, colours: HEAT },
      open: ({ value }) => data.pages[value[1]],
    };
  }

  function index(data) {
    return {
      color: SERIES,
      textStyle: text,
      grid: { left: 48, right: 16, top: narrow() ? 84 : 48, bottom: 32 },
      legend: { top: 0, type: "scroll", textStyle: { ...text, fontSize: 12 }, icon: "roundRect", itemHeight: 3 },
      tooltip: {
        ...tooltip,
        trigger: "axis",
        formatter: (points) => [new Date(points[0].value[0]).toLocaleString(document.documentElement.lang), ...points.map(({ seriesName, value }) => `${seriesName}  ${value[1]}  ${yuan(value[2])} ${data.words.unit}  ${short(value[3])} ${data.words.hours}`)].join("\n"),
      },
      xAxis: { type: "time", min: "dataMin", ...axis, splitLine: { show: false }, axisLabel: { ...axis.axisLabel, hideOverlap: true } },
      yAxis: { type: "value", scale: true, ...axis },
      series: data.lines.map((line) => ({ type: "line", name: line.name, data: line.points, showSymbol: line.points.length < 3, symbolSize: 7, lineStyle: { width: 2 } })),
    };
  }

  function poolHours(data) {
    return {
      color: ["#1d5a9e", "#c9d6e4", "#c24a2b"],
      textStyle: text,
      grid: { left: 52, right: 56, top: narrow() ? 64 : 40, bottom: 30 },
      legend: { top: 0, textStyle: { ...text, fontSize: 12 } },
      tooltip: { ...tooltip, trigger: "axis", formatter: (points) => [points[0].name, ...points.map(({ seriesName, value, seriesType }) => `${seriesName}  ${seriesType === "line" ? yuan(value) : short(value)}`)].join("\n") },
      dataZoom: [{ type: "inside", zoomOnMouseWheel: false }],
      xAxis: { type: "category", data: data.slots, ...axis, splitLine: { show: false }, axisLabel: { ...axis.axisLabel, hideOverlap: true } },
      yAxis: [
        { type: "value", ...axis },
        { type: "value", ...axis, splitLine: { show: false }, axisLabel: { ...axis.axisLabel, formatter: (fen) => short(fen / 100) } },
      ],
      series: [
        { type: "bar", name: data.words.traded, stack: "units", data: data.traded, barCategoryGap: "20%" },
        { type: "bar", name: data.words.unsold, stack: "units", data: data.unsold },
        { type: "line", step: "middle", name: data.words.price, yAxisIndex: 1, data: data.prices, showSymbol: false, lineStyle: { width: 2 } },
      ],
    };
  }

  function depth(data) {
    const steps = (name, points) => ({ type: "line", step: "end", name, showSymbol: points.length < 2, areaStyle: { opacity: 0.12 }, lineStyle: { width: 2 }, data: points.length ? [[points[0][0], 0], ...points] : [] });
    return {
      color: ["#0b7a6b", "#c24a2b"],
      textStyle: text,
      grid: { left: 56, right: 20, top: 40, bottom: 48 },
      legend: { top: 0, textStyle: { ...text, fontSize: 12 } },
      tooltip: { ...tooltip, trigger: "item", formatter: ({ seriesName, value }) => `${seriesName}\n${yuan(value[0])}  ${short(value[1])}` },
      xAxis: { type: "value", scale: true, name: data.words.price, nameLocation: "middle", nameGap: 28, nameTextStyle: { color: MUTED }, ...axis, axisLabel: { ...axis.axisLabel, formatter: (fen) => short(fen / 100), hideOverlap: true } },
      yAxis: { type: "value", ...axis },
      series: [steps(data.words.supply, data.supply), steps(data.words.demand, data.demand)],
    };
  }

  const KINDS = { heatmap, index, "pool-hours": poolHours, depth };

  function draw(element) {
    const data = JSON.parse(document.getElementById(element.dataset.source).textContent);
    const options = KINDS[element.dataset.chart](data, element);
    const chart = echarts.getInstanceByDom(element) ?? echarts.init(element, null, { renderer: "canvas" });
    chart.resize();
    chart.off("click");
    if (options.open) chart.on("click", (point) => window.location.assign(options.open(point)));
    chart.setOption({ animation: false, ...options }, true);
    const legend = document.querySelector(`[data-legend-of="${element.id}"]`);
    if (legend && options.legendScale) showScale(legend, options.legendScale);
  }

  function showScale(legend, { cuts, colours }) {
    legend.replaceChildren(...colours.map((colour, number) => {
      const step = document.createElement("span");
      step.className = "heat-step";
      step.style.setProperty("--heat", colour);
      step.textContent = number === 0 ? `≤ ${yuan(cuts[0])}` : number === colours.length - 1 ? `> ${yuan(cuts.at(-1))}` : `≤ ${yuan(cuts[number])}`;
      return step;
    }));
  }

  const drawAll = () => document.querySelectorAll("[data-chart]").forEach(draw);
  drawAll();
  document.addEventListener("htmx:afterSettle", drawAll);
  let waiting;
  window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(drawAll, 150); });
})();
