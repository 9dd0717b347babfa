// Four small conveniences; every page is complete without them: copy, waiting minutes,
// live status, and the hash of a local file. Words come from the page, never from here.
const all = (selector) => document.querySelectorAll(selector);
const announce = (words) => {
  const place = document.getElementById("announce");
  place.textContent = "";
  setTimeout(() => { place.textContent = words; }, 50);
};
const local = (address) => {
  try {
    const url = new URL(address, location.href);
    return url.origin === location.origin ? url.href : null;
  } catch { return null; }
};

// Copy: the button appears only here, where it can work.
for (const button of all("[data-copy]")) {
  button.hidden = false;
  const label = button.querySelector(".label");
  const words = label.textContent;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      announce(button.dataset.copied);
      label.textContent = button.dataset.short;
      setTimeout(() => { label.textContent = words; }, 3000);
    } catch {
      getSelection().selectAllChildren(document.getElementById(button.dataset.source));
      announce(button.dataset.failed);
    }
  });
}
for (const button of all("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// Forms: say what the button will do, and that it is being done.
for (const button of all("[data-follows]")) {
  const follow = () => {
    const chosen = button.form.querySelector(`[name="${button.dataset.follows}"]:checked`);
    if (chosen) button.textContent = chosen.dataset.button;
  };
  button.form.addEventListener("change", follow);
  follow();
}
for (const form of all("form")) {
  form.addEventListener("submit", () => {
    const button = form.querySelector("[data-busy]");
    if (button) button.textContent = button.dataset.busy;
  });
}
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// Minutes left, from the server's count, so that a wrong clock of the phone does no harm.
for (const place of all("[data-seconds-left]")) {
  const end = performance.now() + Number(place.dataset.secondsLeft) * 1000;
  let shown = null;
  const number = [...place.childNodes].find((node) => node.nodeType === 3 && /\d+/.test(node.data));
  const tick = () => {
    const left = end - performance.now();
    if (left <= 0) { setTimeout(() => location.reload(), 2000); return; }
    const minutes = Math.max(1, Math.round(left / 60000));
    if (shown !== null && minutes !== shown && (minutes === 5 || minutes === 1)) {
      announce(place.dataset.spoken.replace("#", minutes));
    }
    if (number) number.data = number.data.replace(/\d+/, minutes);
    shown = minutes;
    setTimeout(tick, Math.min(15000, left + 50));
  };
  tick();
}

// Live status: events first; when they cannot be had, ask for the page itself, ever more slowly.
for (const place of all("[data-live]")) {
  place.hidden = false;
  const words = place.querySelector("[data-live-text]");
  const state = document.getElementById("main").dataset.state;
  let wait = 5000;
  const poll = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const found = /<main[^>]* data-state="([^"]*)"/.exec(await answer.text());
      if (answer.ok && (answer.redirected || (found && found[1] !== state))) {
        location.replace(answer.url);
        return;
      }
    } catch { /* offline: ask again */ }
    wait = Math.min(15000, wait + 1000);
    setTimeout(poll, wait);
  };
  const source = new EventSource(place.dataset.live);
  const fallBack = () => { source.close(); poll(); };
  const patience = setTimeout(fallBack, 600000);
  source.onmessage = (event) => {
    const news = JSON.parse(event.data);
    if (news.text && news.text !== words.textContent) {
      words.textContent = news.text;
      announce(news.text);
    }
    const next = news.next && local(news.next);
    if (!next) return;
    clearTimeout(patience);
    source.close();
    if (next === location.href) poll(); // this very page: reload it only once it says something else
    else location.replace(next);
  };
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) { clearTimeout(patience); poll(); }
  };
}

// The hash of a file is computed here: the file does not leave the machine.
for (const form of all("form[data-hashes]")) {
  if (!globalThis.crypto?.subtle) continue;
  const input = form.querySelector("input[type=file]");
  const hashes = form.dataset.hashes.split(" ");
  const show = (name) => {
    for (const note of all("[data-file-note]")) note.hidden = note.dataset.fileNote !== name;
    const shown = document.querySelector(`[data-file-note="${name}"]`);
    if (shown) announce(shown.textContent.trim());
  };
  for (const hint of all("[data-with-js]")) hint.hidden = false;
  for (const hint of all("[data-without-js]")) hint.hidden = true;
  const upload = form.querySelector("[type=submit]");
  upload.hidden = true;
  input.addEventListener("change", async () => {
    const file = input.files[0];
    upload.hidden = true;
    if (!file) { show(""); return; }
    show("hashing");
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    const hex = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const known = hashes.includes(hex);
    show(known ? "ok" : "differs");
    if (!known) { upload.hidden = false; upload.textContent = upload.dataset.upload; }
  });
}
