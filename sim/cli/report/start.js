// What begins when the page is there; the script before it only says how.
document.querySelectorAll("div.explore").forEach((box, number) => new Explorer(box, number));
for (const table of document.querySelectorAll("table.sorts")) {
  const fold = table.closest("details");
  // What is folded is made ready when it is unfolded, which keeps large pages quick.
  if (fold && !fold.open) fold.addEventListener("toggle", () => sorts(table), { once: true });
  else sorts(table);
}
window.addEventListener("hashchange", unfold);
unfold();
for (const figure of document.querySelectorAll("figure.day")) {
  const [root, data] = [figure.querySelector("div.motion"), figure.querySelector("script")];
  root.hidden = false;
  showDay(root, JSON.parse(data.textContent), { label: root.dataset.label });
}
