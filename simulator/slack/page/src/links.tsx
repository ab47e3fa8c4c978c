/** Links and mentions: the only two things that untrusted text may turn into besides letters. */
import type { ReactNode } from "react";
import { inThisWorkspace } from "./address";
import { channelOf, nameOf, usePage } from "./context";

const ALLOWED = /^(https?:\/\/|mailto:)/i;

/** Return the address if it may be followed, else undefined. */
export function safeAddress(address: string | undefined): string | undefined {
  return address && ALLOWED.test(address.trim()) ? inThisWorkspace(address.trim()) : undefined;
}

export function SafeLink({ href, children }: { href: string | undefined; children: ReactNode }) {
  const address = safeAddress(href);
  if (!address) return <span>{children}</span>;
  return (
    <a href={address} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}

export function UserMention({ id }: { id: string }) {
  const { state } = usePage();
  const mine = id === state.me.id ? " mine" : "";
  return <span className={`mention${mine}`} data-user={id}>@{nameOf(state, id)}</span>;
}

export function ChannelMention({ id }: { id: string }) {
  const { state } = usePage();
  return <span className="mention">#{channelOf(state, id)?.name ?? id}</span>;
}

export function Broadcast({ range }: { range: string }) {
  return <span className="mention broadcast">@{range}</span>;
}
