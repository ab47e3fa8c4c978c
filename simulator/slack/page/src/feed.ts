/** The page's two wires to the simulator: the feed it watches and the acts it sends. */
import { useCallback, useEffect, useRef, useState } from "react";
import type { Workspace } from "./types";

export interface Answer {
  ok: boolean;
  error?: string;
}

export type Act = (name: string, body: Record<string, unknown>) => Promise<Answer>;

/** Follow the workspace as one person; `null` until the first state has come. */
export function useWorkspace(person: string): { state: Workspace | null; online: boolean } {
  const [state, setState] = useState<Workspace | null>(null);
  const [online, setOnline] = useState(true);
  useEffect(() => {
    const feed = new EventSource(`/workspace/feed?as=${encodeURIComponent(person)}`);
    feed.addEventListener("state", (event) => {
      setState(JSON.parse((event as MessageEvent<string>).data) as Workspace);
      setOnline(true);
    });
    feed.onerror = () => setOnline(false); // EventSource reconnects by itself
    return () => feed.close();
  }, [person]);
  return { state: state?.me.id === person ? state : null, online };
}

async function send(person: string, name: string, body: Record<string, unknown>): Promise<Answer> {
  try {
    const response = await fetch(`/workspace/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ as: person, ...body }),
    });
    return (await response.json()) as Answer;
  } catch {
    return { ok: false, error: "The simulated workspace did not answer. Is it still running?" };
  }
}

/** Send acts as one person; a refusal is told once, by `onError`. */
export function useAct(person: string, onError: (words: string) => void): Act {
  const latest = useRef(onError);
  latest.current = onError;
  return useCallback(
    async (name, body) => {
      const answer = await send(person, name, body);
      if (!answer.ok && answer.error) latest.current(answer.error);
      return answer;
    },
    [person],
  );
}
