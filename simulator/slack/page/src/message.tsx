/** One message: who, when, what; its menu, its thread, and whether only one person sees it. */
import { memo, useMemo, useState } from "react";
import { Avatar } from "./avatar";
import { Blocks } from "./blocks/blocks";
import { Plan, TaskRow } from "./blocks/plan";
import { nameOf, personOf, usePage } from "./context";
import { emojiOf } from "./emoji";
import { Icon } from "./icons";
import { Markdown } from "./markdown";
import { Mrkdwn } from "./mrkdwn";
import { SurfaceContext } from "./surface";
import type { Surface } from "./surface";
import { clock, when } from "./times";
import type { Message, Part, Task } from "./types";

interface Props {
  message: Message;
  /** Follows another one of the same person closely, so name and picture are left out. */
  joined: boolean;
  replies: Message[];
  inThread: boolean;
}

function Menu({ message, close }: { message: Message; close: () => void }) {
  const { state, act, openThread } = usePage();
  const choose = (go: () => void) => () => {
    close();
    go();
  };
  const use = (callbackId: string) => () => void act("shortcut", { callback_id: callbackId, channel: message.channel, ts: message.ts });
  return (
    <div className="menu" role="menu">
      <button type="button" role="menuitem" onClick={choose(() => openThread(message.channel, message.thread_ts ?? message.ts))}>Reply in thread</button>
      {state.app.shortcuts.map((shortcut) => (
        <button key={shortcut.callback_id} type="button" role="menuitem" onClick={choose(use(shortcut.callback_id))}>
          {shortcut.name} <span className="muted">{state.app.name}</span>
        </button>
      ))}
    </div>
  );
}

function Tools({ message, inThread }: { message: Message; inThread: boolean }) {
  const { openThread } = usePage();
  const [open, setOpen] = useState(false);
  return (
    <div className={open ? "tools open" : "tools"} onBlur={(e) => !e.currentTarget.contains(e.relatedTarget) && setOpen(false)}>
      {!inThread && (
        <button type="button" className="icon-button" title="Reply in thread" aria-label="Reply in thread" onClick={() => openThread(message.channel, message.thread_ts ?? message.ts)}><Icon name="reply" /></button>
      )}
      <button type="button" className="icon-button" title="More actions" aria-label="More actions" aria-haspopup="menu" aria-expanded={open} onClick={() => setOpen(!open)}>⋯</button>
      {open && <Menu message={message} close={() => setOpen(false)} />}
    </div>
  );
}

function Replies({ message, replies }: { message: Message; replies: Message[] }) {
  const { state, openThread } = usePage();
  const session = state.sessions.find((s) => s.channel === message.channel && s.thread_ts === message.ts);
  const working = session?.status === "processing";
  const doing = message.status || "Working…";
  if (!replies.length && !working && !message.status) return null;
  const last = replies[replies.length - 1];
  const people = [...new Set(replies.map((reply) => reply.user))].slice(0, 4);
  return (
    <button type="button" className="replies" onClick={() => openThread(message.channel, message.ts)}>
      {people.map((id) => <Avatar key={id} person={personOf(state, id)} id={id} small />)}
      {replies.length > 0 && <b>{replies.length === 1 ? "1 reply" : `${replies.length} replies`}</b>}
      {working || message.status ? <span className="working">{doing}</span> : last && <span className="muted">Last reply {when(last.ts)}</span>}
    </button>
  );
}

function PartView({ part, tasks }: { part: Part; tasks: Task[] }) {
  if (part.type === "text") return <Markdown text={part.text} />;
  if (part.type === "blocks") return <Blocks blocks={part.blocks} />;
  const task = tasks.find((one) => one.id === part.id);
  return task ? <ul className="tasks alone"><TaskRow task={task} /></ul> : null;
}

function Streamed({ message }: { message: Message }) {
  const { parts, tasks, plan_title: title, is_plan: isPlan, streaming } = message;
  return (
    <>
      {isPlan && (tasks.length > 0 || title) && <Plan title={title} tasks={tasks} live={streaming} />}
      {parts.map((part, at) => <PartView key={at} part={part} tasks={tasks} />)}
      {streaming && <span className="caret" role="status" aria-label="Writing" />}
    </>
  );
}

function Body({ message }: { message: Message }) {
  const { parts, blocks, tasks, plan_title: title } = message;
  // `text` is what a notification says; with anything richer beside it Slack does not show it.
  const bare = !parts.length && !blocks.length && !tasks.length && !title;
  return (
    <div className="message-body">
      <Streamed message={message} />
      {bare && message.text && <Mrkdwn text={message.text} />}
      {message.broken && <p className="broken">This answer was cut off: its stream ended before it was finished.</p>}
      {message.stopped && <p className="muted stopped">Stopped</p>}
      {blocks.length > 0 && <Blocks blocks={blocks} />}
      {message.files.length > 0 && <div className="files">{message.files.map((file) => <span key={file} className="file"><Icon name="file" /> {file}</span>)}</div>}
      {message.reactions.length > 0 && (
        <div className="reactions">{message.reactions.map(({ name, count }) => <span key={name}>{emojiOf(name) ?? name} {count}</span>)}</div>
      )}
    </div>
  );
}

function useMessageSurface(message: Message): Surface {
  const { act } = usePage();
  const { channel, ts, ephemeral } = message;
  return useMemo(
    () => ({
      click: (blockId, actionId, value) => void act("click", { channel, ts, ephemeral, block_id: blockId, action_id: actionId, value }),
      keep: () => undefined,
      errors: {},
    }),
    [act, channel, ts, ephemeral],
  );
}

function Heading({ message }: { message: Message }) {
  const { state } = usePage();
  return (
    <div className="message-head">
      <b>{message.username || nameOf(state, message.user)}</b>
      {personOf(state, message.user)?.is_bot && <span className="badge">APP</span>}
      <time title={when(message.ts)}>{clock(message.ts)}</time>
    </div>
  );
}

export const MessageView = memo(function MessageView({ message, joined, replies, inThread }: Props) {
  const { state } = usePage();
  const surface = useMessageSurface(message);
  const alone = !joined || message.ephemeral;
  return (
    <article
      className={message.ephemeral ? "message ephemeral" : "message"}
      aria-label={`Message from ${nameOf(state, message.user)}`}
      data-ts={message.ts}
      data-user={message.user}
      data-ephemeral={message.ephemeral}
      data-streaming={message.streaming}
    >
      <div className="gutter">{alone ? <Avatar person={personOf(state, message.user)} id={message.user} /> : <time>{clock(message.ts)}</time>}</div>
      <div className="message-main">
        {message.ephemeral && <div className="only-you"><Icon name="eye" /> Only visible to you</div>}
        {alone && <Heading message={message} />}
        <SurfaceContext.Provider value={surface}><Body message={message} /></SurfaceContext.Provider>
        {message.edited && <span className="muted edited">(edited)</span>}
        {!inThread && !message.ephemeral && <Replies message={message} replies={replies} />}
      </div>
      {!message.ephemeral && !message.tombstone && <Tools message={message} inThread={inThread} />}
    </article>
  );
});
