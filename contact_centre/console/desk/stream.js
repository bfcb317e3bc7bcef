// The page's one stream from the service. It comes back by itself and names what it has seen last (Last-Event-ID).
import { sessionLives } from "../base/guard.js";

const PATIENCE_MS = 3000;

/** Tells `desk` what comes; its line is "up", "lost" (the service does not answer) or "ended" (the session has). */
export function followStream(address, desk) {
  const source = new EventSource(address);
  let lost;
  const calm = () => {
    clearTimeout(lost);
    lost = undefined;
  };
  source.addEventListener("board", (event) => desk.takeBoard(JSON.parse(event.data)));
  source.addEventListener("desk", (event) => desk.takeOwn(JSON.parse(event.data)));
  source.addEventListener("open", () => {
    calm();
    desk.takeLine("up");
  });
  source.addEventListener("error", async () => {
    // A stream ends every two minutes and begins again at once: only what lasts is worth a word.
    lost ??= setTimeout(() => desk.takeLine("lost"), PATIENCE_MS);
    if (source.readyState !== EventSource.CLOSED) return;
    // An answer that is no stream ends an EventSource for good: the session has ended, or a proxy answered.
    if ((await sessionLives(true).catch(() => null)) === false) {
      calm();
      desk.takeLine("ended");
      return;
    }
    setTimeout(() => {
      calm();
      followStream(address, desk);
    }, PATIENCE_MS);
  });
}
