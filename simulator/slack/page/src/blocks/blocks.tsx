/** A list of blocks: ours where something happens or text is untrusted, the library's where it only shows. */
import { useId, useState } from "react";
import { Markdown } from "../markdown";
import { Text, plainOf } from "../mrkdwn";
import { useSurface } from "../surface";
import type { Block, Element, TextObject } from "../types";
import { ElementView } from "./element";
import { LibraryBlockView } from "./library";
import { Picture } from "./picture";
import { PlanBlock, TaskRow, taskOf } from "./plan";

interface BlockProps {
  block: Block;
  blockId: string;
}

function Section({ block, blockId }: BlockProps) {
  return (
    <div className="section">
      <div className="section-text">
        {block.text && <div><Text text={block.text} /></div>}
        {!!block.fields?.length && (
          <div className="fields">{block.fields.map((field, at) => <div key={at}><Text text={field} /></div>)}</div>
        )}
      </div>
      {block.accessory && <div className="accessory"><ElementView element={block.accessory} blockId={blockId} dispatches /></div>}
    </div>
  );
}

function Context({ block }: BlockProps) {
  return (
    <div className="context">
      {block.elements?.map((element, at) =>
        element.type === "image" ? (
          <Picture key={at} url={element.image_url} alt={element.alt_text} />
        ) : (
          <span key={at}><Text text={element as unknown as TextObject} /></span>
        ),
      )}
    </div>
  );
}

function Actions({ block, blockId }: BlockProps) {
  if (!block.elements?.length) return null;
  return (
    <div className={block.type === "actions" ? "actions" : "context-actions"}>
      {block.elements.map((element, at) => <ElementView key={element.action_id ?? at} element={element} blockId={blockId} dispatches />)}
    </div>
  );
}

function Input({ block, blockId }: BlockProps) {
  const labelId = useId();
  const { errors } = useSurface();
  const error = errors[blockId];
  if (!block.element) return null;
  return (
    <div className={error ? "input invalid" : "input"} data-block={blockId}>
      <div className="input-label">
        <span id={labelId}>{plainOf(block.label)}</span>
        {block.optional && <span className="muted"> (optional)</span>}
      </div>
      <ElementView element={block.element} blockId={blockId} labelledBy={labelId} dispatches={block.dispatch_action === true} />
      {error && <div className="input-error" role="alert">{error}</div>}
      {block.hint && <div className="input-hint"><Text text={block.hint} /></div>}
    </div>
  );
}

function Container({ block, blockId }: BlockProps) {
  const [open, setOpen] = useState(!(block.is_collapsible && block.default_collapsed));
  const children = ((block.child_blocks ?? block.blocks) as Block[] | undefined) ?? [];
  const title = <Text text={block.title as TextObject | undefined} />;
  return (
    <section className="container" data-block={blockId}>
      {block.is_collapsible ? (
        <button type="button" className="container-title" aria-expanded={open} onClick={() => setOpen(!open)}>
          {title}
          <span className="chevron" aria-hidden="true" />
        </button>
      ) : (
        <div className="container-title">{title}</div>
      )}
      {!!block.subtitle && <div className="muted"><Text text={block.subtitle as TextObject} /></div>}
      {open && <Blocks blocks={children} prefix={`${blockId}.`} />}
    </section>
  );
}

function Card({ block, blockId }: BlockProps) {
  const text = (name: string) => <Text text={block[name] as TextObject | undefined} />;
  return (
    <div className="card">
      <strong>{text("title")}</strong>
      {!!block.subtitle && <div className="muted">{text("subtitle")}</div>}
      {!!block.body && <div>{text("body")}</div>}
      <Actions block={{ type: "actions", elements: (block.actions as Element[] | undefined) ?? [] }} blockId={blockId} />
    </div>
  );
}

function Carousel({ block, blockId }: BlockProps) {
  return <div className="carousel">{(block.elements as unknown as Block[] | undefined)?.map((card, at) => <Card key={at} block={card} blockId={blockId} />)}</div>;
}

function ImageBlock({ block }: BlockProps) {
  return (
    <figure className="image">
      {!!block.title && <figcaption>{plainOf(block.title as TextObject)}</figcaption>}
      <Picture url={block.image_url} alt={block.alt_text} large />
    </figure>
  );
}

const OWN: Record<string, (props: BlockProps) => React.ReactNode> = {
  section: Section,
  context: Context,
  actions: Actions,
  context_actions: Actions,
  input: Input,
  container: Container,
  card: Card,
  carousel: Carousel,
  image: ImageBlock,
  plan: PlanBlock,
  task_card: ({ block }) => <ul className="tasks alone"><TaskRow task={taskOf(block as Parameters<typeof taskOf>[0])} /></ul>,
  markdown: ({ block }) => <Markdown text={String(block.text ?? "")} />,
  header: ({ block }) => <h3 className="header-block">{plainOf(block.text)}</h3>,
  divider: () => <hr />,
  alert: ({ block }) => <div className={`alert alert-${String(block.level ?? "default")}`} role="status"><Text text={block.text} /></div>,
};

const LIBRARY = ["rich_text", "table", "data_visualization", "file"];

function BlockView({ block, blockId }: BlockProps) {
  const Own = OWN[block.type];
  if (Own) return <Own block={block} blockId={blockId} />;
  if (LIBRARY.includes(block.type)) return <LibraryBlockView block={block} />;
  return <p className="unsupported">This page cannot show a block of type “{block.type}”.</p>;
}

/** Draw blocks in order; a block without an id gets its place as one, as Slack would make one up. */
export function Blocks({ blocks, prefix = "" }: { blocks: Block[]; prefix?: string }) {
  return (
    <div className="blocks">
      {blocks.map((block, at) => {
        const id = block.block_id ?? `${prefix}${at}`;
        return <div key={id} className={`block block-${block.type}`}><BlockView block={block} blockId={id} /></div>;
      })}
    </div>
  );
}
