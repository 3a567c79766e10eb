// Says how long ago the times of the page are, or in how long; without it they stand there as they are.
"use strict";
(() => {
  const UNITS = [[2 * 86400, 86400, "days"], [2 * 3600, 3600, "h"], [120, 60, "min"], [0, 1, "s"]];
  const span = (seconds) => {
    const [, size, name] = UNITS.find(([least]) => seconds >= least);
    return `${Math.round(seconds / size)} ${name}`;
  };
  const relative = (time) => {
    const ago = (Date.now() - Date.parse(time.dateTime)) / 1000;
    if (time.dataset.relative === "past") return `${span(Math.max(ago, 0))} ago`;
    return ago < 0 ? `in ${span(-ago)}` : "now";
  };
  const tell = () => {
    for (const time of document.querySelectorAll("time[data-relative]")) {
      time.title ||= time.textContent;
      time.textContent = relative(time);
    }
  };
  tell();
  setInterval(tell, 10000);
})();
