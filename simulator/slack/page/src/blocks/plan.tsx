/** The agent's plan: tasks with their state, folded under one title. */
import { useState } from "react";
import { SafeLink } from "../links";
import type { Block, Task, TaskStatus } from "../types";
import { LibraryBlockView } from "./library";

const WORDS: Record<TaskStatus, string> = { pending: "Pending", in_progress: "In progress", complete: "Complete", error: "Error" };
const MARKS: Record<TaskStatus, string> = { pending: "", in_progress: "", complete: "✓", error: "!" };

function StatusIcon({ status }: { status: TaskStatus }) {
  return <span className={`status status-${status}`} role="img" aria-label={WORDS[status] ?? status}>{MARKS[status]}</span>;
}

function Note({ text, name }: { text: string | Block | undefined; name: string }) {
  if (!text) return null;
  return <div className={`task-${name}`}>{typeof text === "string" ? text : <LibraryBlockView block={text} />}</div>;
}

export function TaskRow({ task }: { task: Task }) {
  return (
    <li className="task" data-task={task.id} data-status={task.status}>
      <StatusIcon status={task.status} />
      <div className="task-body">
        <div className="task-title">{task.title}</div>
        <Note text={task.details} name="details" />
        <Note text={task.output} name="output" />
        {!!task.sources?.length && (
          <div className="task-sources">
            {task.sources.map((source) => <SafeLink key={source.url} href={source.url}>{source.text || source.url}</SafeLink>)}
          </div>
        )}
      </div>
    </li>
  );
}

function overall(tasks: Task[]): TaskStatus {
  if (tasks.some((task) => task.status === "in_progress")) return "in_progress";
  if (tasks.some((task) => task.status === "pending")) return "pending";
  return tasks.some((task) => task.status === "error") ? "error" : "complete";
}

/** A plan is open while it runs and folds itself when it has ended, unless somebody has touched it. */
export function Plan({ title, tasks, live }: { title: string; tasks: Task[]; live: boolean }) {
  const [chosen, choose] = useState<boolean | null>(null);
  const open = chosen ?? live;
  const words = title || (live ? "Working" : "Steps");
  return (
    <section className="plan" aria-label={`Plan: ${words}`}>
      <button type="button" className="plan-title" aria-expanded={open} disabled={!tasks.length} onClick={() => choose(!open)}>
        <StatusIcon status={live && !tasks.length ? "in_progress" : overall(tasks)} />
        <span>{words}</span>
        {!!tasks.length && <span className="chevron" aria-hidden="true" />}
      </button>
      {open && !!tasks.length && <ul className="tasks">{tasks.map((task) => <TaskRow key={task.id} task={task} />)}</ul>}
    </section>
  );
}

interface TaskCard {
  task_id?: string;
  title?: string;
  status?: TaskStatus;
  details?: Block;
  output?: Block;
  sources?: Task["sources"];
}

/** A task as blocks spell it (`task_id`, rich text) is the same task. */
export function taskOf(card: TaskCard): Task {
  const { task_id: id = "", title = "", status = "pending", details, output, sources } = card;
  return { id, title, status, ...(details && { details }), ...(output && { output }), ...(sources && { sources }) };
}

export function PlanBlock({ block }: { block: Block }) {
  const tasks = ((block.tasks as TaskCard[] | undefined) ?? []).map(taskOf);
  const live = tasks.some((task) => task.status === "in_progress");
  const title = typeof block.title === "string" ? block.title : "";
  return <Plan title={title} tasks={tasks} live={live} />;
}
