/** The page's own address: `?as=U…&channel=C…&thread=ts&tab=home&theme=dark` opens it right there. */

export interface Place {
  as: string;
  channel: string;
  thread: string;
  tab: "home" | "messages";
  theme: "light" | "dark";
}

function preferredTheme(asked: string | null): Place["theme"] {
  const kept = asked ?? localStorage.getItem("theme");
  if (kept === "dark" || kept === "light") return kept;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Read the address; who one is has been decided by the server, which knows the personas. */
export function readPlace(person: string): Place {
  const query = new URLSearchParams(location.search);
  return {
    as: person,
    channel: query.get("channel") ?? "",
    thread: query.get("thread") ?? "",
    tab: query.get("tab") === "home" ? "home" : "messages",
    theme: preferredTheme(query.get("theme")),
  };
}

/** Keep the address and the cookie in step, so that a reload and the sign-in page know who is here. */
export function writePlace(place: Place): void {
  const query = new URLSearchParams({ as: place.as, channel: place.channel });
  if (place.thread) query.set("thread", place.thread);
  if (place.tab === "home") query.set("tab", "home");
  history.replaceState(null, "", `?${query}`);
  document.cookie = `sim_user=${encodeURIComponent(place.as)}; path=/; samesite=lax`;
  localStorage.setItem("theme", place.theme);
}

const PERMALINK = /^https:\/\/deputy\.slack\.com\/archives\/(\w+)\/p(\d{10})(\d{6})(?:\?(.*))?$/;

/** A permalink into the simulated workspace opens here, not in the real Slack; other addresses stay. */
export function inThisWorkspace(address: string): string {
  const match = PERMALINK.exec(address);
  if (!match) return address;
  const [, channel = "", seconds, fraction, query] = match;
  const thread = new URLSearchParams(query).get("thread_ts") ?? `${seconds}.${fraction}`;
  return `/?${new URLSearchParams({ channel, thread })}`;
}
