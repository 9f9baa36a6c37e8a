/**
 * Who looks at the page. A link brings it in its fragment, which browsers send to nobody; from
 * there it goes to the tab's own storage, and out of the address bar and the history.
 */

const KEY = "stream-cw";

/** Read `#token=…&profile=…` (further: `devices`, `scene`), else what this tab already knows. */
export function readCredentials() {
  const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  if (given.token && given.profile) {
    history.replaceState(null, "", location.pathname + location.search);
    sessionStorage.setItem(KEY, JSON.stringify(given));
    return given;
  }
  return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
}

/** Forget them: the token is of no use any more. */
export function dropCredentials() {
  sessionStorage.removeItem(KEY);
}

/** Ask for them by the form of the document; a right link in the same tab does as well. */
export function askForCredentials(message) {
  const dialog = document.getElementById("sign-in");
  dialog.querySelector("[data-part=message]").textContent = message;
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = new URLSearchParams(new FormData(event.target)).toString();
  });
  addEventListener("hashchange", () => location.reload(), { once: true });
  if (!dialog.open) dialog.showModal();
}
