// Chosen colours apply before the first paint; this is no module, because modules wait for the page.
"use strict";
(() => {
  const KEY = "sluice-theme";
  const NAMES = { "": "as the system", light: "light", dark: "dark" };
  const SIGNS = { "": "◐", light: "☀", dark: "☾" };
  let chosen = "";
  try {
    const kept = localStorage.getItem(KEY);
    chosen = kept in NAMES ? kept : "";
  } catch {
    // a browser that keeps nothing follows the system
  }
  const apply = () => {
    if (chosen) document.documentElement.dataset.theme = chosen;
    else delete document.documentElement.dataset.theme;
  };
  apply();
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const show = () => {
      button.textContent = SIGNS[chosen];
      button.setAttribute("aria-label", `Colours: ${NAMES[chosen]}`);
      button.title = `Colours: ${NAMES[chosen]}`;
    };
    show();
    button.addEventListener("click", () => {
      const names = Object.keys(NAMES);
      chosen = names[(names.indexOf(chosen) + 1) % names.length];
      try {
        localStorage.setItem(KEY, chosen);
      } catch {
        // it holds for this page, then
      }
      apply();
      show();
      document.dispatchEvent(new Event("themechange"));
    });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    document.dispatchEvent(new Event("themechange"));
  });
})();
