/** The page's own icons, drawn by hand so that no machine lacks them. */

const PATHS = {
  lock: "M4.5 7V5a3.5 3.5 0 0 1 7 0v2M3.5 7h9v6.5h-9z",
  reply: "M2.5 3h11v7.5h-6L4.5 13v-2.5h-2zM5 6h6M5 8h4",
  eye: "M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z",
  up: "M5 7.2v6H2.5v-6zM5 7.5 7.6 2.5c1.2 0 1.7.9 1.4 2l-.5 2.3h4c.8 0 1.2.7 1 1.4l-1.2 4.1c-.2.6-.6.9-1.2.9H5",
  down: "M5 8.8v-6H2.5v6zM5 8.5l2.6 5c1.2 0 1.7-.9 1.4-2l-.5-2.3h4c.8 0 1.2-.7 1-1.4L12.3 3.7c-.2-.6-.6-.9-1.2-.9H5",
  trash: "M3 4.5h10M6.5 4V2.5h3V4M4.2 4.5l.6 9h6.4l.6-9M6.7 7v4M9.3 7v4",
  file: "M4 1.8h5l3.2 3.2v9.2H4zM9 1.8V5h3.2",
  shared: "M6.5 9.5 9.5 6.5M7 5l1.6-1.6a2.5 2.5 0 0 1 3.5 3.5L10.5 8.5M9 11l-1.6 1.6a2.5 2.5 0 0 1-3.5-3.5l1.6-1.6",
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name]} fill="none" stroke="currentColor" strokeWidth="1.3" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
