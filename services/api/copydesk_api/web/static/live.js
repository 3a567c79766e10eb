// Says how many new articles fit the filters of the page. It puts nothing of theirs into the page.
"use strict";
(() => {
  const notice = document.getElementById("live");
  if (!notice || !window.EventSource) return;
  const link = notice.querySelector("a");
  const seen = new Set();
  const stream = new EventSource(notice.dataset.stream);
  stream.addEventListener("article", (event) => {
    const { article_id: id, revision } = JSON.parse(event.data);
    if (revision !== 1 || seen.has(id)) return;
    seen.add(id);
    link.textContent = seen.size === 1 ? "1 new article" : `${seen.size} new articles`;
    notice.hidden = false;
  });
  addEventListener("pagehide", () => stream.close());
})();
