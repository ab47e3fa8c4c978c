/** A modal view: what was filled in stays with the page until it is submitted. */
import { useMemo, useRef, useState } from "react";
import { Blocks } from "./blocks/blocks";
import { usePage } from "./context";
import { Dialog } from "./dialog";
import { plainOf } from "./mrkdwn";
import { SurfaceContext } from "./surface";
import type { Surface, Value, Values } from "./surface";
import type { Block, View } from "./types";

function isEmpty(value: Value | undefined): boolean {
  return value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length);
}

/** Return what Slack's own client refuses before it sends anything. */
function problemOf(block: Block, value: Value | undefined): string | undefined {
  if (isEmpty(value)) return block.optional ? undefined : "Please complete this required field.";
  const least = block.element?.min_length;
  if (typeof least === "number" && typeof value === "string" && value.length < least) return `Please write at least ${least} characters.`;
  return undefined;
}

function problemsIn(view: View, values: Values): Record<string, string> {
  const found: Record<string, string> = {};
  for (const block of view.blocks.filter((b) => b.type === "input" && b.block_id)) {
    const problem = problemOf(block, values[block.block_id ?? ""]?.[block.element?.action_id ?? ""]);
    if (problem) found[block.block_id ?? ""] = problem;
  }
  return found;
}

/** Return what is to be sent: nothing of blocks that an update took away, and no choice where none was made. */
function present(view: View, values: Values): Values {
  const kept: Values = {};
  for (const block of view.blocks) {
    const id = block.block_id ?? "";
    const mine = Object.entries(values[id] ?? {}).filter(([, value]) => value !== null || !/select|radio/.test(block.element?.type ?? "select"));
    if (mine.length) kept[id] = Object.fromEntries(mine);
  }
  return kept;
}

export function Modal({ view }: { view: View }) {
  const { act } = usePage();
  const values = useRef<Values>({});
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const errors = useMemo(() => ({ ...view.errors, ...problems }), [view.errors, problems]);
  const surface: Surface = useMemo(
    () => ({
      click: (blockId, actionId, value) => void act("click", { view_id: view.id, block_id: blockId, action_id: actionId, value }),
      keep: (blockId, actionId, value) => {
        values.current = { ...values.current, [blockId]: { ...values.current[blockId], [actionId]: value } };
      },
      errors,
    }),
    [act, view.id, errors],
  );
  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    const kept = present(view, values.current);
    const found = problemsIn(view, kept);
    setProblems(found);
    if (Object.keys(found).length) return;
    setBusy(true);
    await act("submit", { view_id: view.id, values: kept });
    setBusy(false);
  };
  return (
    <Dialog label={plainOf(view.title) || "Dialog"} view={view.id} onClose={() => void act("close", { view_id: view.id })}>
      <form className="dialog-form" onSubmit={(event) => void submit(event)} noValidate>
        <div className="dialog-body">
          <SurfaceContext.Provider value={surface}><Blocks blocks={view.blocks} /></SurfaceContext.Provider>
        </div>
        <div className="dialog-foot">
          <button type="button" className="button" onClick={() => void act("close", { view_id: view.id })}>{plainOf(view.close) || "Close"}</button>
          {view.submit && <button type="submit" className="button primary" disabled={busy}>{busy ? "Sending…" : plainOf(view.submit)}</button>}
        </div>
      </form>
    </Dialog>
  );
}
