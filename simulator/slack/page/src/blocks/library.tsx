/** The blocks that slack-blocks-to-jsx draws faithfully: rich text, tables, charts, files. */
import { memo } from "react";
import { Message } from "slack-blocks-to-jsx";
import type { Block as LibraryBlock } from "slack-blocks-to-jsx";
import "slack-blocks-to-jsx/dist/style.css";
import { usePage } from "../context";
import { emojiOf } from "../emoji";
import { Broadcast, ChannelMention, SafeLink, UserMention } from "../links";
import type { Block } from "../types";

const hooks: React.ComponentProps<typeof Message>["hooks"] = {
  user: ({ id }) => <UserMention id={id} />,
  channel: ({ id }) => <ChannelMention id={id} />,
  atHere: () => <Broadcast range="here" />,
  atChannel: () => <Broadcast range="channel" />,
  atEveryone: () => <Broadcast range="everyone" />,
  emoji: ({ name }) => emojiOf(name) ?? `:${name}:`,
  link: ({ href, children }) => <SafeLink href={href}>{children}</SafeLink>,
};

interface Cell {
  type: string;
  text?: string;
}

// The library reads raw cells as mrkdwn; Slack shows them as they are. Rich text it gets right.
function literalCell(cell: Cell): unknown {
  if (cell.type === "rich_text") return cell;
  const text = { type: "text", text: String(cell.text ?? (cell as { value?: unknown }).value ?? "") };
  return { type: "rich_text", elements: [{ type: "rich_text_section", elements: [text] }] };
}

function literal(block: Block): Block {
  if (block.type !== "table" || !Array.isArray(block.rows)) return block;
  return { ...block, rows: (block.rows as Cell[][]).map((row) => row.map(literalCell)) };
}

/** Draw one block with the library. */
export const LibraryBlockView = memo(function LibraryBlockView({ block }: { block: Block }) {
  const { theme } = usePage();
  const blocks = [literal(block)] as unknown as LibraryBlock[];
  return (
    <div className={`library library-${block.type}`}>
      <Message blocks={blocks} name="" logo="" withoutWrapper theme={theme} hooks={hooks} />
    </div>
  );
});
