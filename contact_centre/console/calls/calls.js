// The call log: a row opens into its legs.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (!opener) return;
  const legs = document.getElementById(opener.getAttribute("aria-controls"));
  legs.hidden = !legs.hidden;
  opener.setAttribute("aria-expanded", String(!legs.hidden));
});
