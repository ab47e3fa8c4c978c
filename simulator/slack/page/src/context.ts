/** What every part of the page may ask for without being handed it. */
import { createContext, useContext } from "react";
import type { Act } from "./feed";
import type { Channel, Person, Workspace } from "./types";

export interface Page {
  state: Workspace;
  act: Act;
  theme: "light" | "dark";
  openThread: (channel: string, ts: string) => void;
}

export const PageContext = createContext<Page | null>(null);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (!page) throw new Error("usePage outside of the page");
  return page;
}

export function personOf(state: Workspace, id: string): Person | undefined {
  return state.people.find((person) => person.id === id);
}

export function nameOf(state: Workspace, id: string): string {
  const person = personOf(state, id);
  return person ? person.real_name || person.name : id;
}

export function channelOf(state: Workspace, id: string): Channel | undefined {
  return state.channels.find((channel) => channel.id === id);
}
