/** Slack's mrkdwn as React nodes; see docs/decisions/0007 for why not the renderer's. */
import type { ReactNode } from "react";
import { withEmoji } from "./emoji";
import { SafeLink } from "./links";
import { TOKEN, tokenNode, unescapeText } from "./tokens";
import type { TextObject } from "./types";

const FENCE = /```\n?([\s\S]*?)\n?```/g;
const CODE = /`([^`\n]+)`/g;
// Marks bind to words (`2*3*4` and `snake_case` stay as they are) and may span a token.
const STYLED = /(?<=^|[\s(["'*_~—–-])([*_~])(?=\S)((?:<[^>\n]*>|[^<\n])*?(?:<[^>\n]*>|[^<\s]))\1(?=$|[\s)\]"'.,;:!?*_~—–-])/g;
const TAGS = { "*": "strong", _: "em", "~": "s" } as const;

type Render = (text: string) => ReactNode;

/** Cut a text by a pattern; what matched goes one way, the rest the other. */
function cut(text: string, pattern: RegExp, hit: (match: RegExpExecArray) => ReactNode, rest: Render): ReactNode[] {
  const out: ReactNode[] = [];
  let last = 0;
  const push = (node: ReactNode) => out.push(<span key={out.length}>{node}</span>);
  for (const match of text.matchAll(pattern)) {
    if (match.index > last) push(rest(text.slice(last, match.index)));
    push(hit(match));
    last = match.index + match[0].length;
  }
  if (last < text.length) push(rest(text.slice(last)));
  return out;
}

const ADDRESS = /https?:\/\/[^\s<>|]*[^\s<>|.,;:!?)'"]/g;

const letters: Render = (text) =>
  cut(
    text,
    ADDRESS,
    ([address]) => <SafeLink href={unescapeText(address)}>{unescapeText(address)}</SafeLink>,
    (rest) => withEmoji(unescapeText(rest)),
  );
const tokens: Render = (text) => cut(text, TOKEN, (match) => tokenNode(match[0], 0), letters);

const styles: Render = (text) =>
  cut(
    text,
    STYLED,
    ([, mark, inner = ""]) => {
      const Tag = TAGS[mark as keyof typeof TAGS];
      return <Tag>{styles(inner)}</Tag>;
    },
    tokens,
  );

const inline: Render = (text) => cut(text, CODE, ([, code = ""]) => <code>{unescapeText(code)}</code>, styles);

const QUOTED = /(?:(?<=^|\n)(?:&gt;|>) ?[^\n]*(?:\n|$))+/g;

const quotes: Render = (text) =>
  cut(
    text,
    QUOTED,
    ([whole]) => <blockquote>{inline(whole.trimEnd().replace(/^(?:&gt;|>) ?/gm, ""))}</blockquote>,
    inline,
  );

/** Render mrkdwn: untrusted letters become letters, tokens become mentions and links. */
export function Mrkdwn({ text }: { text: string }) {
  const nodes = cut(text, FENCE, ([, code = ""]) => <pre><code>{unescapeText(code)}</code></pre>, quotes);
  return <span className="mrkdwn">{nodes}</span>;
}

/** Return a plain text object's letters, for attributes and options. */
export function plainOf(text: TextObject | undefined): string {
  if (!text) return "";
  return text.emoji === false ? text.text : withEmoji(text.text);
}

/** Render a text object; plain text is literal but for emoji names. */
export function Text({ text }: { text: TextObject | undefined }) {
  if (!text) return null;
  if (text.type === "mrkdwn") return <Mrkdwn text={text.text} />;
  return <span className="plain">{plainOf(text)}</span>;
}
