/** What a person has not seen yet; remembered by the browser, as Slack's own client would. */
import { useEffect, useMemo, useState } from "react";
import type { Message, Workspace } from "./types";

type Seen = Record<string, number>;

function load(person: string): Seen {
  try {
    return JSON.parse(localStorage.getItem(`seen:${person}`) ?? "{}") as Seen;
  } catch {
    return {};
  }
}

function counts(state: Workspace, message: Message): boolean {
  if (message.user === state.me.id || message.tombstone) return false;
  const direct = state.channels.some((channel) => channel.id === message.channel && channel.kind === "im");
  return direct || !message.thread_ts || message.thread_ts === message.ts;
}

/** Return how many messages of each channel are new; the one that is `open` is being read. */
export function useUnread(state: Workspace, open: string): Record<string, number> {
  const person = state.me.id;
  const [seen, setSeen] = useState<Seen>(() => load(person));
  const latest = useMemo(
    () => state.messages.reduce((last, message) => (message.channel === open ? Math.max(last, Number(message.ts)) : last), 0),
    [state.messages, open],
  );
  useEffect(() => {
    if (!open || !latest) return;
    setSeen((old) => {
      const next = { ...old, [open]: Math.max(latest, old[open] ?? 0) };
      localStorage.setItem(`seen:${person}`, JSON.stringify(next));
      return next;
    });
  }, [person, open, latest]);
  return useMemo(() => {
    const found: Record<string, number> = {};
    for (const message of state.messages) {
      if (message.channel === open || !counts(state, message) || Number(message.ts) <= (seen[message.channel] ?? 0)) continue;
      found[message.channel] = (found[message.channel] ?? 0) + 1;
    }
    return found;
  }, [state, seen, open]);
}
