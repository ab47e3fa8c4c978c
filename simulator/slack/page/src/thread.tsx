/** The pane at the right: one thread, its composer, and Stop while the agent works. */
import { useMemo } from "react";
import { Composer } from "./composer";
import { channelOf, usePage } from "./context";
import { MessageList } from "./messages";

function Working({ channel, ts }: { channel: string; ts: string }) {
  const { state, act } = usePage();
  const session = state.sessions.find((s) => s.channel === channel && s.thread_ts === ts);
  if (session?.status !== "processing") return null;
  return (
    <div className="working-bar" role="status">
      <span className="spinner" aria-hidden="true" />
      <span>{state.app.name} is working…</span>
      <button type="button" className="button" aria-label="Stop the agent" onClick={() => void act("stop", { channel, thread_ts: ts })}>
        <span aria-hidden="true">◼</span> Stop
      </button>
    </div>
  );
}

export function ThreadPane({ channel, ts, onClose }: { channel: string; ts: string; onClose: () => void }) {
  const { state } = usePage();
  const messages = useMemo(
    () => state.messages.filter((m) => m.channel === channel && (m.ts === ts || m.thread_ts === ts)),
    [state.messages, channel, ts],
  );
  const place = channelOf(state, channel);
  const name = place?.kind === "im" ? place.name : `#${place?.name ?? channel}`;
  return (
    <aside className="thread" aria-label="Thread">
      <header className="pane-head">
        <h2>Thread <span className="muted">{name}</span></h2>
        <button type="button" className="icon-button" aria-label="Close thread" onClick={onClose}>✕</button>
      </header>
      <MessageList listKey={`${channel}/${ts}`} label={`Thread in ${name}`} messages={messages} inThread />
      <Working channel={channel} ts={ts} />
      <Composer key={`${channel}/${ts}`} channel={channel} threadTs={ts} label="Reply in thread" placeholder="Reply…" />
    </aside>
  );
}
