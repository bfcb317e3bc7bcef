// The page's one stream from the service. It comes back by itself and names what it has seen last (Last-Event-ID).
const PATIENCE_MS = 3000;

export function followStream(address, desk) {
  const source = new EventSource(address);
  let lost;
  source.addEventListener("board", (event) => desk.takeBoard(JSON.parse(event.data)));
  source.addEventListener("desk", (event) => desk.takeOwn(JSON.parse(event.data)));
  source.addEventListener("open", () => {
    clearTimeout(lost);
    lost = undefined;
    desk.takeLine(true);
  });
  source.addEventListener("error", () => {
    // A stream ends every two minutes and begins again at once: only what lasts is worth a word.
    lost ??= setTimeout(() => desk.takeLine(false), PATIENCE_MS);
    // An answer that is no stream (signed out, or a proxy's error) ends an EventSource for good: it is begun anew.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => followStream(address, desk), PATIENCE_MS);
  });
}
