/** The page starts here; the server wrote into the document whom it was opened as. */
import { createRoot } from "react-dom/client";
import { App } from "./app";
import "@fontsource/noto-emoji/400.css"; // machines without an emoji font would show boxes
import "./styles/page.css";

const root = document.getElementById("root");
if (root) createRoot(root).render(<App person={root.dataset.person ?? ""} />);
