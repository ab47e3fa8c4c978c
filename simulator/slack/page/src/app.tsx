/** The whole page: who, where, and what is open. */
import { useCallback, useEffect, useMemo, useState } from "react";
import { readPlace, writePlace } from "./address";
import type { Place } from "./address";
import { PageContext } from "./context";
import type { Page } from "./context";
import { useAct, useWorkspace } from "./feed";
import { Modal } from "./modal";
import { AppPane, ChannelPane } from "./place";
import { Sidebar } from "./sidebar";
import { ThreadPane } from "./thread";
import type { Channel, Workspace } from "./types";

function channelIn(state: Workspace, id: string): Channel | undefined {
  return state.channels.find((channel) => channel.id === id) ?? state.channels.find((channel) => channel.kind === "channel") ?? state.channels[0];
}

function Head({ channel, app }: { channel: Channel; app: boolean }) {
  return (
    <header className="pane-head">
      <h2>{channel.kind === "channel" && <span className="hash" aria-hidden="true"># </span>}{channel.name}{app && <span className="badge">APP</span>}</h2>
    </header>
  );
}

interface ShellProps {
  page: Page;
  place: Place;
  go: (change: Partial<Place>) => void;
}

function Shell({ page, place, go }: ShellProps) {
  const { state } = page;
  const channel = channelIn(state, place.channel);
  if (!channel) return <p className="loading">This person is in no channel.</p>;
  const isApp = channel.person === state.app.bot_user;
  const view = state.views[state.views.length - 1];
  return (
    <PageContext.Provider value={page}>
      <Sidebar
        key={state.me.id}
        current={channel.id}
        reading={isApp && place.tab === "home" ? "" : channel.id}
        choose={(id) => go({ channel: id, thread: "", tab: "messages" })}
        become={(id) => go({ as: id, thread: "", channel: channel.kind === "channel" ? channel.id : "" })}
        switchTheme={() => go({ theme: place.theme === "dark" ? "light" : "dark" })}
      />
      <main className="main" aria-label={channel.name}>
        <Head channel={channel} app={isApp} />
        {isApp ? <AppPane channel={channel} tab={place.tab} show={(tab) => go({ tab, thread: "" })} /> : <ChannelPane channel={channel} />}
      </main>
      {place.thread && <ThreadPane channel={channel.id} ts={place.thread} onClose={() => go({ thread: "" })} />}
      {view && <Modal key={view.id} view={view} />}
    </PageContext.Provider>
  );
}

export function App({ person }: { person: string }) {
  const [place, setPlace] = useState<Place>(() => readPlace(person));
  const [trouble, setTrouble] = useState("");
  const { state, online } = useWorkspace(place.as);
  const act = useAct(place.as, setTrouble);
  const go = useCallback((change: Partial<Place>) => setPlace((old) => ({ ...old, ...change })), []);
  useEffect(() => {
    writePlace(place);
    document.documentElement.dataset.theme = place.theme;
    const again = () => writePlace(place); // of two tabs as two people, the one in use is who signs in
    addEventListener("focus", again);
    return () => removeEventListener("focus", again);
  }, [place]);
  const openThread = useCallback((channel: string, thread: string) => go({ channel, thread }), [go]);
  const page = useMemo(() => (state ? { state, act, theme: place.theme, openThread } : null), [state, act, place.theme, openThread]);
  return (
    <div className={place.thread ? "page with-thread" : "page"} data-online={online}>
      {page ? <Shell page={page} place={place} go={go} /> : <p className="loading">Opening the workspace…</p>}
      {!online && <div className="toast" role="status">The simulated workspace is not answering; trying again…</div>}
      {trouble && (
        <div className="toast" role="alert">
          {trouble} <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => setTrouble("")}>✕</button>
        </div>
      )}
    </div>
  );
}
