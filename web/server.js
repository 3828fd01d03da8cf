// Where the server is, the key it is shown, and what it says of itself. Knows no microphone and
// none of the page but its address.

const STORED = "hark-key";

let key = storedKey();

// A key in the page's own address, /?key=…, is kept for as long as the tab, and leaves the address:
// captions are often shown on a wall.
export function takeKeyFromAddress() {
  const address = new URL(location.href);
  const given = address.searchParams.get("key");
  if (given === null) return;
  address.searchParams.delete("key");
  history.replaceState(null, "", address);
  useKey(given);
}

export function useKey(text) {
  key = text.trim();
  try {
    sessionStorage.setItem(STORED, key);
  } catch {
    // Storage may be switched off; the key then lasts as long as the page.
  }
}

function storedKey() {
  try {
    return sessionStorage.getItem(STORED) ?? "";
  } catch {
    return "";
  }
}

export function streamUrl() {
  const url = withKey("v1/stream");
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

// {model, key}: the model is null while there is none; the key is null where none is needed, else
// "missing", "wrong" or "right". Null if the server does not answer. A socket that is refused does
// not say why, so this is the only way to know.
export async function askServer() {
  try {
    const answer = await (await fetch(withKey("readyz"))).json();
    return { model: answer.model ?? null, key: answer.key ?? null };
  } catch {
    return null;
  }
}

// Browsers let no page set the headers of a WebSocket: the key goes into the query.
function withKey(path) {
  const url = new URL(path, document.baseURI);
  if (key !== "") url.searchParams.set("token", key);
  return url;
}
