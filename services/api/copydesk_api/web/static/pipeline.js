// Loads the figures and plots of the page anew, as the service draws them, while somebody looks.
"use strict";
(() => {
  const part = () => document.getElementById("pipeline");
  const stale = document.getElementById("stale");
  if (!part()) return;
  const renew = async () => {
    if (document.hidden || part().contains(document.activeElement)) return;
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("pipeline");
    if (!fresh) throw new Error("another page"); // one has to sign in again
    part().replaceWith(document.importNode(fresh, true));
  };
  const look = async () => {
    try {
      await renew();
      stale.hidden = true;
    } catch {
      stale.hidden = false;
    }
    setTimeout(look, 1000 * Number(part().dataset.seconds));
  };
  setTimeout(look, 1000 * Number(part().dataset.seconds));
})();
