// Prints a YAML file as JSON, with its anchors and merges resolved.
import { readFileSync } from "node:fs";
import { load } from "js-yaml";

console.log(JSON.stringify(load(readFileSync(process.argv[2], "utf8"))));
