// Says before the session ends that it will, and leaves the page when it has ended. The
// server holds sessions to their limits without it.
"use strict";

const expiry = document.getElementById("expiry");
const said = expiry.querySelector("p");
const stay = expiry.querySelector("button");
const confirmation = expiry.querySelector("a");
confirmation.href = "/confirm?next=" + encodeURIComponent(location.pathname);

// Text that is the same is not set again: a screen reader would read it again.
function warn({ seconds, renewed }) {
  const minutes = Math.round(seconds / 60);
  const left = minutes < 1 ? "in less than a minute" : minutes === 1 ? "in a minute" : `in ${minutes} minutes`;
  const text = `You will be signed out ${left}.`;
  stay.hidden = !renewed; // at the absolute limit, use does not help
  confirmation.hidden = renewed;
  expiry.hidden = false;
  if (said.textContent !== text) said.textContent = text;
}

function withdraw() {
  expiry.hidden = true;
  said.textContent = "";
}

// Any request is a use of the session.
stay.addEventListener("click", async () => {
  const response = await fetch("/", { method: "HEAD", cache: "no-store" }).catch(() => null);
  if (response?.ok && !response.redirected) withdraw();
});

// A page that is being left must not be loaded again: that would stop the answer
// that is on its way.
let leaving = false;
addEventListener("beforeunload", () => (leaving = true));
addEventListener("pageshow", () => (leaving = false));

document.addEventListener("mooring:ending", (event) => warn(event.detail));
document.addEventListener("mooring:renewed", withdraw); // used in another tab
document.addEventListener("mooring:ended", () => {
  if (!leaving) location.assign("/"); // which says why, and asks to sign in again
});
