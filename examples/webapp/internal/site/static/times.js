// Shows times in the reader's zone, and how long ago or how far off they are. The
// page has them in UTC without it.
"use strict";

// The page is in English: of the reader's languages, those have a say in the form.
const languages = navigator.languages.filter((l) => /^en\b/.test(l)).concat("en");
const clock = { hour: "numeric", minute: "2-digit" };
const day = { month: "short", day: "numeric", ...clock };
const relative = new Intl.RelativeTimeFormat(languages);
const units = [["day", 86400], ["hour", 3600], ["minute", 60]];

function distance(seconds) {
  // What is half a minute short of a unit counts as one: a page takes time to come.
  const unit = units.find(([, length]) => Math.abs(seconds) + 30 >= length);
  if (!unit) return seconds > 0 ? "in a moment" : "just now";
  return relative.format(Math.round(seconds / unit[1]), unit[0]);
}

function showTime(element) {
  const time = new Date(element.dateTime);
  const now = new Date();
  let form = day;
  if (time.toDateString() === now.toDateString()) form = clock;
  else if (time.getFullYear() !== now.getFullYear()) form = { year: "numeric", ...day };
  const there = time.toLocaleString(languages, form).replaceAll(" ", "\u00a0"); // in one line
  element.textContent = distance((time - now) / 1000) + " (" + there + ")";
}

function showTimes() {
  document.querySelectorAll("time[datetime]").forEach(showTime);
}
showTimes();
setInterval(showTimes, 30000);
