// A field that suggests (WAI-ARIA combobox): from two letters on; Enter takes the first hit, arrows another, Esc none.
import { Unreachable, json } from "../base/fetching.js";

const FEWEST = 2;
const PAUSE_MS = 120;

/** `taken(suggestion)` is told what was chosen, `left()` that what was typed was left without choosing. */
export function suggestFor(input, address, { taken, left = () => {} }) {
  const list = document.getElementById(input.getAttribute("aria-controls"));
  let found = [];
  let active = 0;
  let timer;
  let asked = 0;
  let answered = ""; // what the list is the answer to

  const close = () => {
    clearTimeout(timer);
    asked += 1;
    found = [];
    list.hidden = true;
    list.replaceChildren();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const point = (at) => {
    active = (at + found.length) % found.length;
    [...list.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === active)));
    input.setAttribute("aria-activedescendant", list.children[active].id);
    list.children[active].scrollIntoView({ block: "nearest" });
  };
  const take = (at) => {
    const chosen = found[at];
    close();
    taken(chosen);
  };
  const show = () => {
    list.replaceChildren(...found.map((one, index) => {
      const item = document.createElement("li");
      item.id = `${list.id}-${index}`;
      item.role = "option";
      const [main, hint, note] = ["b", "span", "span"].map((name) => document.createElement(name));
      main.textContent = one.text;
      hint.textContent = one.hint ?? "";
      note.textContent = one.note ?? "";
      hint.className = note.className = "quiet";
      item.append(main, hint, note);
      item.addEventListener("mousedown", (event) => event.preventDefault());
      item.addEventListener("click", () => take(index));
      return item;
    }));
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
    if (found.length) point(0);
  };
  const look = async () => {
    const mine = ++asked;
    const query = input.value.trim();
    if (query.length < FEWEST) return close();
    try {
      const answer = await json(`${address}?q=${encodeURIComponent(query)}`, { quiet: true });
      if (mine !== asked) return undefined;
      found = answer;
      answered = query;
      show();
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
    }
    return undefined;
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS);
  });
  input.addEventListener("blur", () => {
    close();
    left();
  });
  input.addEventListener("keydown", async (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      if (!found.length || answered !== input.value.trim()) {
        clearTimeout(timer);
        await look();
      }
      if (found.length) take(active);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && found.length) {
      event.preventDefault();
      point(active + (event.key === "ArrowDown" ? 1 : -1));
    }
  });
}
