/** What the server says one person can see; page.py makes it, nothing here adds to it. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Person {
  id: string;
  name: string;
  real_name: string;
  is_bot: boolean;
  is_admin: boolean;
}

export interface Channel {
  id: string;
  name: string;
  kind: "channel" | "im";
  is_private?: boolean;
  is_shared?: boolean;
  /** The other party of a direct conversation. */
  person?: string;
}

export interface TextObject {
  type: "plain_text" | "mrkdwn";
  text: string;
  emoji?: boolean;
}

export interface Option {
  text: TextObject;
  value: string;
  description?: TextObject;
  url?: string;
}

export interface Confirm {
  title?: TextObject;
  text?: TextObject;
  confirm?: TextObject;
  deny?: TextObject;
  style?: string;
}

/** Block Kit is open-ended: an element or block of tomorrow must still be carried. */
export interface Element {
  type: string;
  action_id?: string;
  text?: TextObject;
  value?: string;
  url?: string;
  style?: string;
  confirm?: Confirm;
  accessibility_label?: string;
  options?: Option[];
  option_groups?: { label: TextObject; options: Option[] }[];
  initial_option?: Option;
  initial_options?: Option[];
  initial_value?: string;
  placeholder?: TextObject;
  multiline?: boolean;
  [key: string]: unknown;
}

export interface Block {
  type: string;
  block_id?: string;
  text?: TextObject;
  fields?: TextObject[];
  elements?: Element[];
  accessory?: Element;
  element?: Element;
  label?: TextObject;
  hint?: TextObject;
  optional?: boolean;
  [key: string]: unknown;
}

export type TaskStatus = "pending" | "in_progress" | "complete" | "error";

export interface Task {
  id: string;
  title: string;
  status: TaskStatus;
  details?: string | Block;
  output?: string | Block;
  sources?: { url: string; text: string }[];
}

/** What was streamed, in order; the tasks of a plan are not among them. */
export type Part = { type: "text"; text: string } | { type: "task"; id: string } | { type: "blocks"; blocks: Block[] };

export interface Message {
  ts: string;
  channel: string;
  thread_ts: string | null;
  user: string;
  username: string | null;
  text: string;
  parts: Part[];
  blocks: Block[];
  tasks: Task[];
  plan_title: string;
  /** All tasks stand in one plan; else each where it was streamed. */
  is_plan: boolean;
  streaming: boolean;
  broken: boolean;
  stopped: boolean;
  /** The app's own words for what it does in this thread. */
  status: string;
  ephemeral: boolean;
  tombstone: boolean;
  edited: boolean;
  files: string[];
  reactions: { name: string; count: number }[];
}

export interface Session {
  channel: string;
  thread_ts: string | null;
  status: string;
  title: string;
  initiator: string;
}

export interface View {
  id: string;
  type: "modal" | "home";
  title?: TextObject;
  submit?: TextObject;
  close?: TextObject;
  blocks: Block[];
  /** Block id → what is wrong with its input. */
  errors: Record<string, string>;
}

export interface Prompt {
  title: string;
  message: string;
}

export interface AgentApp {
  bot_user: string;
  name: string;
  commands: { name: string; description: string; usage_hint: string }[];
  shortcuts: { callback_id: string; name: string }[];
}

export interface Workspace {
  name: string;
  me: Person;
  people: Person[];
  personas: Person[];
  channels: Channel[];
  app: AgentApp;
  messages: Message[];
  sessions: Session[];
  prompts: { [channel: string]: Prompt[] };
  home: View | null;
  views: View[];
}
