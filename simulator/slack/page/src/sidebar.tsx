/** The left side: the workspace, its channels, the app, and who one is. */
import { Avatar } from "./avatar";
import { personOf, usePage } from "./context";
import { Icon } from "./icons";
import { useUnread } from "./unread";
import type { Channel } from "./types";

interface Props {
  current: string;
  /** The channel whose messages are on the screen, if any are. */
  reading: string;
  choose: (channel: string) => void;
  become: (person: string) => void;
  switchTheme: () => void;
}

interface EntryProps {
  channel: Channel;
  current: string;
  unread: number;
  choose: (id: string) => void;
}

function Entry({ channel, current, unread, choose }: EntryProps) {
  const { state } = usePage();
  const working = state.sessions.some((s) => s.channel === channel.id && s.status === "processing");
  return (
    <button type="button" className={unread ? "entry new" : "entry"} aria-current={channel.id === current ? "page" : undefined} onClick={() => choose(channel.id)}>
      {channel.kind === "channel" ? <span className="hash" aria-hidden="true">{channel.is_private ? <Icon name="lock" /> : "#"}</span> : <Avatar person={personOf(state, channel.person ?? "")} id={channel.person ?? ""} small />}
      <span className="entry-name">{channel.name}</span>
      {channel.is_shared && <span className="shared" title="Shared with another organisation" role="img" aria-label="shared with another organisation"><Icon name="shared" /></span>}
      {working && <span className="spinner" role="img" aria-label="working" />}
      {unread > 0 && channel.kind === "im" && <span className="unread" aria-label={`${unread} unread`}>{unread}</span>}
    </button>
  );
}

interface GroupProps {
  title: string;
  channels: Channel[];
  current: string;
  unread: Record<string, number>;
  choose: (id: string) => void;
}

function Group({ title, channels, unread, ...rest }: GroupProps) {
  if (!channels.length) return null;
  return (
    <nav aria-label={title}>
      <h2>{title}</h2>
      {channels.map((channel) => <Entry key={channel.id} channel={channel} unread={unread[channel.id] ?? 0} {...rest} />)}
    </nav>
  );
}

export function Sidebar({ current, reading, choose, become, switchTheme }: Props) {
  const { state, theme } = usePage();
  const { channels, app, me, personas } = state;
  const unread = useUnread(state, reading);
  const shared = { current, choose, unread };
  const isApp = (channel: Channel) => channel.kind === "im" && channel.person === app.bot_user;
  return (
    <div className="sidebar">
      <header className="workspace-name">
        <h1>{state.name}</h1>
        <button type="button" className="icon-button" aria-label={theme === "dark" ? "Light theme" : "Dark theme"} title="Switch theme" onClick={switchTheme}>{theme === "dark" ? "☀" : "☾"}</button>
      </header>
      <div className="sidebar-lists">
        <Group title="Channels" channels={channels.filter((c) => c.kind === "channel")} {...shared} />
        <Group title="Direct messages" channels={channels.filter((c) => c.kind === "im" && !isApp(c))} {...shared} />
        <Group title="Apps" channels={channels.filter(isApp)} {...shared} />
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
