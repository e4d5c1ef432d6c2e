// Follows the ledger: prints every record once, in order, and checks its leaf hash.
//
//   node feed.mjs http://127.0.0.1:8080 position.txt [how many]
//
// The file holds the position that was read last, so the program may be ended and
// started again at any time. BERKAS_TOKEN, if set, is the credential. Needs no package.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

const [base, file, most = "0"] = process.argv.slice(2);
let position = existsSync(file) ? readFileSync(file, "utf8").trim() : "0";
let left = Number(most) || Infinity;

/** Takes server-sent events apart (WHATWG HTML, section 9.2.6). */
async function* events(body) {
  let text = "";
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    text += part;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const fields = text.slice(0, end).split("\n").map((line) => line.split(/: (.*)/s));
      text = text.slice(end + 2);
      yield Object.fromEntries(fields);
    }
  }
}

/** The leaf hash of a record (RFC 6962), from what the feed says of it. */
function leafHash(r, bytes) {
  const head = ["berkas/record/v1", `position: ${r.position}`, `recorded: ${r.recorded}`, `subject: ${r.subject}`,
    ...r.signatures.map((s) => `signature: ${s}`), "", ""].join("\n");
  return createHash("sha256").update(Buffer.concat([Buffer.from([0]), Buffer.from(head), bytes])).digest("hex");
}

/** Keeps the position: whatever happens, the file holds the old one or the new one. */
function keep(id) {
  position = id;
  writeFileSync(`${file}.new`, `${id}\n`);
  renameSync(`${file}.new`, file);
}

while (left > 0) {
  const headers = { "Last-Event-ID": position };
  if (process.env.BERKAS_TOKEN) headers.Authorization = `Bearer ${process.env.BERKAS_TOKEN}`;
  try {
    const answer = await fetch(`${base}/v1/stream`, { headers });
    if (!answer.ok) {
      const said = await answer.json();
      console.error(`${said.code}: ${said.detail}`);
      if (!said.retry) process.exit(1); // another ledger, no credential: somebody has to look
    } else {
      for await (const e of events(answer.body)) {
        if (!e.id) continue;
        if (e.event !== "position" && e.event !== "end") {
          const record = JSON.parse(e.data);
          const bytes = Buffer.from(record.bytes, "base64");
          if (leafHash(record, bytes) !== record.leaf) throw new Error(`the leaf hash of position ${e.id} is another`);
          console.log(`${e.id} ${e.event} ${record.agency} ${record.leaf}`); // here an agency's work is done
          left -= 1;
        }
        keep(e.id); // after the work: a crash in between does it again
        if (e.event === "end" && JSON.parse(e.data).reason === "broken") process.exit(1);
        if (left <= 0) process.exit(0);
      }
    }
  } catch (error) {
    console.error(`${error.message}; coming again`);
  }
  await new Promise((resolve) => setTimeout(resolve, 1000));
}
