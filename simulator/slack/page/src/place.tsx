/** The middle: a channel's messages, or the app with its two tabs. */
import { useEffect, useMemo } from "react";
import { Composer } from "./composer";
import { usePage } from "./context";
import { Home } from "./home";
import { MessageList } from "./messages";
import type { Channel, Message } from "./types";

export type Tab = "home" | "messages";

function useRoots(channel: string): { roots: Message[]; replies: Map<string, Message[]> } {
  const { state } = usePage();
  return useMemo(() => {
    const here = state.messages.filter((m) => m.channel === channel);
    const replies = new Map<string, Message[]>();
    for (const message of here) {
      if (!message.thread_ts || message.thread_ts === message.ts || message.ephemeral) continue;
      replies.set(message.thread_ts, [...(replies.get(message.thread_ts) ?? []), message]);
    }
    return { roots: here.filter((m) => !m.thread_ts || m.thread_ts === m.ts), replies };
  }, [state.messages, channel]);
}

function Prompts({ channel }: { channel: Channel }) {
  const { state, act } = usePage();
  const prompts = state.prompts[channel.id] ?? [];
  if (!prompts.length) return null;
  return (
    <div className="prompts" role="group" aria-label="Suggested prompts">
      {prompts.map((prompt) => (
        <button key={prompt.title} type="button" className="button" onClick={() => void act("message", { channel: channel.id, text: prompt.message })}>{prompt.title}</button>
      ))}
    </div>
  );
}

function Welcome({ channel }: { channel: Channel }) {
  const { state } = usePage();
  const command = state.app.commands[0]?.name;
  if (channel.kind === "channel") {
    return (
      <div className="welcome">
        <h2># {channel.name}</h2>
        <p className="muted">This is the very beginning of the channel. {command && <>Type <code>{command}</code> to see what {state.app.name} can do.</>}</p>
      </div>
    );
  }
  return (
    <div className="welcome">
      <h2>{channel.name}</h2>
      <p className="muted">This conversation is between you and {channel.name}.</p>
      <Prompts channel={channel} />
    </div>
  );
}

export function ChannelPane({ channel }: { channel: Channel }) {
  const { roots, replies } = useRoots(channel.id);
  const name = channel.kind === "channel" ? `#${channel.name}` : channel.name;
  return (
    <>
      <MessageList listKey={channel.id} label={`Messages in ${name}`} messages={roots} replies={replies} top={<Welcome channel={channel} />} />
      <Composer key={channel.id} channel={channel.id} label={`Message ${name}`} placeholder={`Message ${name}`} />
    </>
  );
}

function Messages({ channel }: { channel: Channel }) {
  const { act } = usePage();
  useEffect(() => void act("home", { tab: "messages" }), [act]);
  return <ChannelPane channel={channel} />;
}

export function AppPane({ channel, tab, show }: { channel: Channel; tab: Tab; show: (tab: Tab) => void }) {
  return (
    <>
      <div className="tabs" role="tablist">
        <button type="button" role="tab" aria-selected={tab === "home"} onClick={() => show("home")}>Home</button>
        <button type="button" role="tab" aria-selected={tab === "messages"} onClick={() => show("messages")}>Messages</button>
      </div>
      {tab === "home" ? <Home /> : <Messages channel={channel} />}
    </>
  );
}
