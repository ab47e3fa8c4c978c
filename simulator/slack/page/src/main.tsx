/** The page starts here; the server wrote the first persona into the document. */
import { createRoot } from "react-dom/client";
import { App } from "./app";
import "@fontsource/noto-emoji/400.css"; // machines without an emoji font would show boxes
import "./styles/page.css";

const root = document.getElementById("root");
if (root) createRoot(root).render(<App first={root.dataset.first ?? ""} />);
