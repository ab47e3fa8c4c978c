/** Slack's `<…>` tokens: what they are, and what stands for them on the page. */
import type { ReactNode } from "react";
import { Broadcast, ChannelMention, SafeLink, UserMention } from "./links";

/** A whole token, and nothing that merely resembles one. */
export const TOKEN = /<(?:@[UW][A-Z0-9]+|#C[A-Z0-9]+|!(?:here|channel|everyone)|!subteam\^[A-Z0-9]+|!date\^\d+\^[^>|]+|(?:https?:\/\/|mailto:)[^>|\s]+)(?:\|[^>]*)?>/g;

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

function pad(n: number): string {
  return String(n).padStart(2, "0");
}

/** Return a moment in one of Slack's `{date…}`/`{time}` formats, in the browser's zone. */
export function formatMoment(seconds: number, format: string): string {
  const at = new Date(seconds * 1000);
  const month = MONTHS[at.getMonth()] ?? "";
  const year = at.getFullYear() === new Date().getFullYear() ? "" : `, ${at.getFullYear()}`;
  const today = new Date().toDateString() === at.toDateString();
  const short = `${month.slice(0, 3)} ${at.getDate()}${year}`;
  const parts: Record<string, string> = {
    "{date_num}": `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`,
    "{date}": `${month} ${at.getDate()}${year}`,
    "{date_short}": short,
    "{date_long}": `${at.toLocaleDateString("en", { weekday: "long" })}, ${month} ${at.getDate()}${year}`,
    "{date_pretty}": today ? "today" : `${month} ${at.getDate()}${year}`,
    "{date_short_pretty}": today ? "today" : short,
    "{date_long_pretty}": today ? "today" : `${month} ${at.getDate()}${year}`,
    "{time}": `${pad(at.getHours())}:${pad(at.getMinutes())}`,
    "{time_secs}": `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`,
    "{ago}": short,
  };
  return format.replace(/\{[a-z_]+\}/g, (name) => parts[name] ?? name);
}

function moment(body: string): ReactNode {
  const [, seconds = "0", format = ""] = body.split("^");
  return <time>{formatMoment(Number(seconds), format)}</time>;
}

function special(body: string, label: string): ReactNode {
  if (body.startsWith("!date^")) return moment(body);
  if (body.startsWith("!subteam^")) return <span className="mention">{label || "@group"}</span>;
  return <Broadcast range={body.slice(1)} />;
}

/** Return what stands for a token that `TOKEN` matched. */
export function tokenNode(token: string, key: string | number): ReactNode {
  const inner = token.slice(1, -1);
  const bar = inner.indexOf("|");
  const body = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? "" : unescapeText(inner.slice(bar + 1));
  if (body.startsWith("@")) return <UserMention key={key} id={body.slice(1)} />;
  if (body.startsWith("#")) return <ChannelMention key={key} id={body.slice(1)} />;
  if (body.startsWith("!")) return <span key={key}>{special(body, label)}</span>;
  const address = unescapeText(body);
  return <SafeLink key={key} href={address}>{label || address.replace(/^mailto:/, "")}</SafeLink>;
}

/** Undo Slack's three escapes, once, for showing. */
export function unescapeText(text: string): string {
  return text.replace(/&(lt|gt|amp);/g, (_, name: string) => (name === "lt" ? "<" : name === "gt" ? ">" : "&"));
}
