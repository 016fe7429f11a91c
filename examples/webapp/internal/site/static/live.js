// Shows times as the reader is used to, and new events as they happen. The page
// is complete without it.
"use strict";

function showTime(element) {
  const time = new Date(element.dateTime);
  element.textContent = time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
document.querySelectorAll("time").forEach(showTime);

const list = document.getElementById("events");
const live = document.getElementById("live");

function say(text, link) {
  const note = document.createElement("p");
  note.className = "note";
  const a = document.createElement("a");
  a.href = "/";
  a.textContent = link;
  note.append(text, " ", a);
  live.replaceChildren(note);
}

function show(event) {
  if (document.getElementById("event-" + event.id)) return;
  const item = document.getElementById("event").content.cloneNode(true).firstElementChild;
  item.id = "event-" + event.id;
  item.querySelector("strong").textContent = event.title;
  item.querySelector("span").textContent = event.detail;
  item.querySelector("time").dateTime = event.time;
  showTime(item.querySelector("time"));
  list.prepend(item);
  say("Just now: " + event.title + ".", "Show the sessions as they are now");
}

const stream = new EventSource("/events?after=" + encodeURIComponent(list.dataset.latest));
stream.addEventListener("happened", (message) => show(JSON.parse(message.data)));
stream.addEventListener("ended", () => {
  stream.close();
  location.assign("/"); // which says why, and asks to sign in again
});
stream.addEventListener("error", () => {
  if (stream.readyState === EventSource.CLOSED) say("New events are no longer shown as they happen.", "Load the page again");
});
// A page that is being left must not be loaded anew: that would stop the answer
// which is on its way, and with it the cookies that it sets and clears.
window.addEventListener("beforeunload", () => stream.close());
