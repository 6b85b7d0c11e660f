// Shows what changed without a reload: fetches the same page and takes over the parts that are marked as live.
const EVERY_MS = 1000;

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (now && now.innerHTML !== part.dataset.shown && !part.contains(document.activeElement)) {
      if (part.dataset.shown !== undefined || now.innerHTML !== part.innerHTML) part.innerHTML = now.innerHTML;
      part.dataset.shown = now.innerHTML;
    }
  }
}

setInterval(() => refresh().catch(() => {}), EVERY_MS);
