// Nothing typed is lost: before a form leaves, ask whether the session still lives. If it has ended, sign in on this very
// page and send the form then; if the service does not answer, say so and stay.
const dialog = document.getElementById("again");
const notice = document.getElementById("notice");
const login = document.body.dataset.login;

async function sessionState() {
  const answer = await fetch(document.body.dataset.session, { cache: "no-store" });
  if (answer.status !== 200 && answer.status !== 401) throw new Error(answer.status);
  return answer.json();
}

const message = (name) => dialog.querySelector(`[data-message=${name}]`).textContent;

function tell(text) {
  notice.textContent = text;
  notice.hidden = false;
}

// A session of the same person has its own token; forms and scripts of this page use it from now on.
function renew(csrf) {
  for (const field of document.querySelectorAll("input[name=csrf]")) field.value = csrf;
}

async function send(address, fields) {
  const answer = await fetch(address, { method: "POST", body: new URLSearchParams({ ...fields, in_place: "1" }) });
  return [answer.ok, await answer.json().catch(() => ({ message: message("offline") }))];
}

// Asks for the password, and for the code where there is one. Resolves to whether the person is in again.
function signInAgain() {
  const form = dialog.querySelector("form");
  const [error] = dialog.querySelectorAll(".error");
  const { password, code } = form.elements;
  const codeField = code.closest("label");
  let csrf = null;

  const step = async () => {
    const [ok, told] = csrf
      ? await send(dialog.dataset.code, { csrf, code: code.value })
      : await send(dialog.dataset.enter, { login, password: password.value });
    if (!ok) throw new Error(told.message ?? message("offline"));
    csrf = told.csrf;
    if (told.stage === "second_factor") {
      codeField.hidden = false;
      code.focus();
      return false;
    }
    if (told.stage !== "in") throw new Error(message("stage"));
    renew(csrf);
    return true;
  };

  return new Promise((resolve) => {
    const finish = (entered) => {
      form.onsubmit = dialog.onclose = null;
      form.reset();
      codeField.hidden = error.hidden = true;
      if (dialog.open) dialog.close();
      resolve(entered);
    };
    form.onsubmit = (event) => {
      event.preventDefault();
      error.hidden = true;
      step().then((entered) => entered && finish(true)).catch((problem) => {
        error.textContent = problem instanceof TypeError ? message("offline") : problem.message;
        error.hidden = false;
        (csrf ? code : password).select();
      });
    };
    dialog.onclose = () => finish(false);
    form.querySelector("[data-close]").onclick = () => finish(false);
    dialog.showModal();
    password.focus();
  });
}

/** The token that proves that a request is this page's. */
export function csrf() {
  return document.querySelector("input[name=csrf]")?.value ?? "";
}

/** Whether the session lives; if it has ended, after asking for the password, unless `quiet`. */
export async function sessionLives(quiet = false) {
  const state = await sessionState();
  if (state.login === login && state.stage === "in") {
    renew(state.csrf);
    return true;
  }
  return quiet ? false : signInAgain();
}

export function guardForms(root) {
  const allowed = new WeakSet();
  root.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.method !== "post" || allowed.delete(form) || dialog.contains(form)) return;
    event.preventDefault();
    notice.hidden = true;
    try {
      if (!(await sessionLives())) return;
    } catch {
      tell(message("offline"));
      return;
    }
    allowed.add(form);
    form.requestSubmit(event.submitter);
  });
}
