// A list that is loaded again and again: what has not changed is left alone, what somebody works in is never lost.
const TYPED = "input, textarea, select";

/** What is typed there and not sent. */
function dirty(entry) {
  return [...entry.querySelectorAll(TYPED)].some((field) => {
    if (field === document.activeElement) return true;
    if (field.matches("select")) return [...field.options].some((one) => one.selected !== one.defaultSelected && one.index > 0);
    return field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
  });
}

/** How to find the same control in the entry's next form. */
function control(entry) {
  const at = document.activeElement;
  if (!entry.contains(at)) return null;
  const { press, call, post } = at.dataset;
  if (press) return `[data-press="${CSS.escape(press)}"]`;
  if (call) return "[data-call]";
  if (post) return "[data-post]";
  return at.matches("summary") ? "summary" : null;
}

function replace(old, fresh) {
  const wanted = control(old);
  const open = old.querySelector("details[open]") !== null;
  const was = old.contains(document.activeElement);
  old.replaceWith(fresh);
  const details = fresh.querySelector("details");
  if (open && details) details.open = true;
  if (!was) return;
  const again = fresh.querySelector(wanted ?? "summary");
  (again && !again.disabled ? again : fresh.querySelector("summary"))?.focus({ preventScroll: true });
}

const shown = new WeakMap();

function keep(entry) {
  shown.set(entry, entry.outerHTML);
  return entry;
}

/** Brings `loaded` up to date with a fragment of the same shape: a frame around one list of `li[data-duty]`. */
export function merge(loaded, fresh) {
  const [frame, next] = [loaded.firstElementChild, fresh.firstElementChild];
  const [old, entries] = [frame?.querySelector("ul[data-entries]"), next.querySelector("ul[data-entries]")];
  for (const entry of entries?.children ?? []) keep(entry);
  if (!old || !entries) {
    loaded.replaceChildren(next);
    return;
  }
  const known = new Map([...old.children].map((entry) => [entry.dataset.duty, entry]));
  for (const entry of [...old.children]) {
    const stays = [...entries.children].some((one) => one.dataset.duty === entry.dataset.duty);
    if (!stays && !dirty(entry)) entry.remove();
  }
  let after = null;
  for (const entry of [...entries.children]) {
    const before = known.get(entry.dataset.duty);
    const same = before && (shown.get(before) === shown.get(entry) || dirty(before));
    if (before && !same) replace(before, entry);
    const here = same ? before : entry;
    const place = after ? after.nextElementSibling : old.firstElementChild;
    if (place !== here && !(same && here.contains(document.activeElement))) old.insertBefore(here, place);
    after = here;
  }
  for (const part of ["nav.duty-chips", ".more", ".withheld"]) renew(frame, next, part);
}

/** A part of the frame that holds nothing but what is shown. */
function renew(frame, next, part) {
  const [old, fresh] = [frame.querySelector(`:scope > ${part}`), next.querySelector(`:scope > ${part}`)];
  if (old?.outerHTML === fresh?.outerHTML) return;
  if (!fresh) old.remove();
  else if (!old) frame.append(fresh);
  else {
    const at = [...old.children].indexOf(document.activeElement);
    old.replaceWith(fresh);
    if (at >= 0) fresh.children[at]?.focus({ preventScroll: true });
  }
}
