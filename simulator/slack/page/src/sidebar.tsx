/** The left side: the workspace, its channels, the app, and who one is. */
import { Avatar } from "./avatar";
import { personOf, usePage } from "./context";
import type { Channel } from "./types";

interface Props {
  current: string;
  choose: (channel: string) => void;
  become: (person: string) => void;
  switchTheme: () => void;
}

function Entry({ channel, current, choose }: { channel: Channel; current: string; choose: (id: string) => void }) {
  const { state } = usePage();
  const working = state.sessions.some((s) => s.channel === channel.id && s.status === "processing");
  return (
    <button type="button" className="entry" aria-current={channel.id === current ? "page" : undefined} onClick={() => choose(channel.id)}>
      {channel.kind === "channel" ? <span className="hash" aria-hidden="true">#</span> : <Avatar person={personOf(state, channel.person ?? "")} id={channel.person ?? ""} small />}
      <span className="entry-name">{channel.name}</span>
      {working && <span className="spinner" role="img" aria-label="working" />}
    </button>
  );
}

function Group({ title, channels, ...rest }: { title: string; channels: Channel[]; current: string; choose: (id: string) => void }) {
  if (!channels.length) return null;
  return (
    <nav aria-label={title}>
      <h2>{title}</h2>
      {channels.map((channel) => <Entry key={channel.id} channel={channel} {...rest} />)}
    </nav>
  );
}

export function Sidebar({ current, choose, become, switchTheme }: Props) {
  const { state, theme } = usePage();
  const { channels, app, me, personas } = state;
  const isApp = (channel: Channel) => channel.kind === "im" && channel.person === app.bot_user;
  return (
    <div className="sidebar">
      <header className="workspace-name">
        <h1>{state.name}</h1>
        <button type="button" className="icon-button" aria-label={theme === "dark" ? "Light theme" : "Dark theme"} title="Switch theme" onClick={switchTheme}>{theme === "dark" ? "☀" : "☾"}</button>
      </header>
      <div className="sidebar-lists">
        <Group title="Channels" channels={channels.filter((c) => c.kind === "channel")} current={current} choose={choose} />
        <Group title="Direct messages" channels={channels.filter((c) => c.kind === "im" && !isApp(c))} current={current} choose={choose} />
        <Group title="Apps" channels={channels.filter(isApp)} current={current} choose={choose} />
      </div>
      <div className="persona">
        <Avatar person={me} id={me.id} />
        <label>
          <span>Acting as</span>
          <select value={me.id} onChange={(event) => become(event.target.value)}>
            {personas.map((person) => <option key={person.id} value={person.id}>{person.real_name}{person.is_admin ? " (admin)" : ""}</option>)}
          </select>
        </label>
      </div>
    </div>
  );
}
