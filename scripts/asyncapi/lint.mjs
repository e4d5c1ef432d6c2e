// Lints an AsyncAPI file: prints what the official parser finds, and fails when
// that is an error or a warning.
import { fromFile, Parser } from "@asyncapi/parser";

const { document, diagnostics } = await fromFile(new Parser(), process.argv[2]).parse();
const levels = ["error", "warning", "info", "hint"];
for (const d of diagnostics) console.log(`${levels[d.severity]} ${d.code} ${d.path.join(".")}: ${d.message}`);
if (!document || diagnostics.some((d) => d.severity <= 1)) process.exit(1);
console.log(`${document.channels().all().length} channels, ${document.messages().all().length} messages`);
