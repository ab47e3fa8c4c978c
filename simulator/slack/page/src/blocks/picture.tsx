/** Pictures: drawn when they come with the message, a link when they would be fetched from elsewhere. */
import { SafeLink } from "../links";

export function Picture({ url, alt, large }: { url: unknown; alt: unknown; large?: boolean }) {
  const address = String(url ?? "");
  const words = String(alt ?? "image");
  const own = address.startsWith("data:image/") || address.startsWith("/");
  if (own) return <img className={large ? "picture large" : "picture"} src={address} alt={words} />;
  if (!large) return <span className="picture-letter" role="img" aria-label={words}>{words.slice(0, 1).toUpperCase()}</span>;
  return <SafeLink href={address}>{words}</SafeLink>;
}
