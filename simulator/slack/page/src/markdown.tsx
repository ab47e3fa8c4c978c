/** Standard markdown as agents write it: GFM, no raw HTML, no images fetched, Slack's tokens honoured. */
import { memo } from "react";
import ReactMarkdown from "react-markdown";
import type { Components, Options } from "react-markdown";
import remarkGfm from "remark-gfm";
import { withEmoji } from "./emoji";
import { SafeLink, safeAddress } from "./links";
import { TOKEN, tokenNode } from "./tokens";

/** The part of a markdown tree that this plugin touches. */
interface Node {
  type: string;
  value?: string;
  children?: Node[];
  data?: { hName: string; hProperties: Record<string, string> };
}

// A token is told from its escaped twin (`&lt;@U1&gt;`) before the parser decodes both to the same letters.
const OPEN = "\uE000";
const CLOSE = "\uE001";
const HIDDEN = /\uE000([^\uE001]*)\uE001/g;

function hideTokens(source: string): string {
  return source.replaceAll(OPEN, "").replaceAll(CLOSE, "").replace(TOKEN, (token) => OPEN + encodeURIComponent(token) + CLOSE);
}

function showLiterally(text: string): string {
  return text.replace(HIDDEN, (_, token: string) => decodeURIComponent(token));
}

function tokenLeaf(token: string): Node {
  return { type: "token", children: [], data: { hName: "mark", hProperties: { token: decodeURIComponent(token) } } };
}

function splitText(value: string): Node[] {
  const out: Node[] = [];
  let last = 0;
  for (const match of value.matchAll(HIDDEN)) {
    if (match.index > last) out.push({ type: "text", value: withEmoji(value.slice(last, match.index)) });
    out.push(tokenLeaf(match[1] ?? ""));
    last = match.index + match[0].length;
  }
  if (last < value.length) out.push({ type: "text", value: withEmoji(value.slice(last)) });
  return out;
}

function walk(node: Node): void {
  if (!node.children) {
    if (node.value !== undefined) node.value = showLiterally(node.value);
    return;
  }
  node.children = node.children.flatMap((child) => (child.type === "text" ? splitText(child.value ?? "") : [child]));
  node.children.filter((child) => child.type !== "token").forEach(walk);
}

const slackTokens = () => (tree: unknown) => walk(tree as Node);

const components: Components = {
  a: ({ href, children }) => <SafeLink href={href}>{children}</SafeLink>,
  img: ({ src, alt }) => <SafeLink href={typeof src === "string" ? src : undefined}>{alt || src}</SafeLink>,
  table: ({ children }) => <div className="table-scroll"><table>{children}</table></div>,
  mark: ({ node }) => tokenNode(String(node?.properties.token ?? ""), 0) as React.JSX.Element,
};

const plugins: Options["remarkPlugins"] = [[remarkGfm, { singleTilde: false }], slackTokens];

/** Render an agent's markdown; unchanged text is not rendered again while other messages grow. */
export const Markdown = memo(function Markdown({ text }: { text: string }) {
  return (
    <div className="markdown">
      <ReactMarkdown remarkPlugins={plugins} components={components} urlTransform={(url) => (safeAddress(url) ? url : "")}>
        {hideTokens(text)}
      </ReactMarkdown>
    </div>
  );
});
