"use strict";
// A link into a folded check opens it.
function unfold() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const details = target && target.querySelector(":scope > details");
  if (details) details.open = true;
}
addEventListener("hashchange", unfold);
unfold();

// Each filter hides the rows of its own section that lack one of the words, and the headings that are left bare.
for (const filter of document.querySelectorAll(".filter")) {
  const section = filter.closest("section");
  const input = filter.querySelector("input");
  const lists = [...section.querySelectorAll(":scope > .rows")];
  const rows = lists.flatMap((list) => [...list.children]);
  const texts = rows.map((row) => `${row.textContent} ${row.dataset.find || ""}`.toLowerCase());
  filter.hidden = false;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row, i) => { row.hidden = !words.every((word) => texts[i].includes(word)); });
    let below = false;
    for (const element of [...section.children].reverse()) {
      if (element.matches(".rows")) {
        element.hidden = [...element.children].every((row) => row.hidden);
        below = below || !element.hidden;
        if (element.previousElementSibling.matches("h4")) element.previousElementSibling.hidden = element.hidden;
      } else if (element.matches("h3")) {
        element.hidden = !below;
        below = false;
      }
    }
    filter.querySelector("output").value = words.length ? `${rows.filter((row) => !row.hidden).length} of ${rows.length}` : "";
  });
}
