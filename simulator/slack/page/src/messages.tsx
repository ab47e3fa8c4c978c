/** A list of messages that stays at its end while the end grows, and stays put when one reads further up. */
import { Fragment, useLayoutEffect, useMemo, useRef } from "react";
import type { ReactNode } from "react";
import { MessageView } from "./message";
import { day } from "./times";
import type { Message } from "./types";

const NEAR = 40; // pixels from the end that still count as being there
const CLOSE = 300; // seconds within which one person's messages stand under one name

/** Keep the end in view as long as it was in view. */
function useStickyEnd(key: string) {
  const box = useRef<HTMLDivElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  const sticky = useRef(true);
  useLayoutEffect(() => {
    const [outer, content] = [box.current, inner.current];
    if (!outer || !content) return undefined;
    const toEnd = () => {
      if (sticky.current) outer.scrollTop = outer.scrollHeight;
    };
    const scrolled = () => {
      sticky.current = outer.scrollHeight - outer.scrollTop - outer.clientHeight < NEAR;
    };
    sticky.current = true;
    toEnd();
    const watcher = new ResizeObserver(toEnd);
    watcher.observe(content);
    watcher.observe(outer);
    outer.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      watcher.disconnect();
      outer.removeEventListener("scroll", scrolled);
    };
  }, [key]);
  return { box, inner };
}

function joins(before: Message | undefined, message: Message, hasReplies: boolean): boolean {
  if (!before || hasReplies || before.user !== message.user || before.ephemeral) return false;
  return Number(message.ts) - Number(before.ts) < CLOSE;
}

interface Props {
  listKey: string;
  label: string;
  messages: Message[];
  /** Replies by the ts of their root; none inside a thread. */
  replies?: Map<string, Message[]>;
  inThread?: boolean;
  top?: ReactNode;
}

const NONE: Message[] = [];

export function MessageList({ listKey, label, messages, replies, inThread = false, top }: Props) {
  const { box, inner } = useStickyEnd(listKey);
  const rows = useMemo(() => messages.map((message, at) => ({ message, before: messages[at - 1] })), [messages]);
  return (
    <div className="messages" ref={box} role="log" aria-label={label} tabIndex={0}>
      <div className="messages-inner" ref={inner}>
        {top}
        {rows.map(({ message, before }) => (
          <Fragment key={`${message.ts}${message.ephemeral ? "e" : ""}`}>
            {!inThread && day(message.ts) !== (before ? day(before.ts) : "") && <div className="day"><span>{day(message.ts)}</span></div>}
            <MessageView message={message} joined={joins(before, message, !!replies?.has(message.ts))} replies={replies?.get(message.ts) ?? NONE} inThread={inThread} />
          </Fragment>
        ))}
      </div>
    </div>
  );
}
