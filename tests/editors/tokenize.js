// Tokenize files with the engine of VS Code: node tokenize.js NODE_MODULES GRAMMAR < {name: text} > {name: [token]}.
// A token is [line, column, end column, scopes], lines and columns from 1, columns in code points, the end exclusive.

const fs = require("node:fs");
const path = require("node:path");

const [modules, grammarFile] = process.argv.slice(2);
const textmate = require(path.join(modules, "vscode-textmate"));
const oniguruma = require(path.join(modules, "vscode-oniguruma"));

function column(line, index) {
  return Array.from(line.slice(0, index)).length + 1;
}

function tokenize(grammar, text) {
  const tokens = [];
  let state = textmate.INITIAL;
  text.split(/\r?\n/).forEach((line, number) => {
    const read = grammar.tokenizeLine(line, state);
    if (read.stoppedEarly) throw new Error(`line ${number + 1} takes too long`);
    state = read.ruleStack;
    for (const { startIndex, endIndex, scopes } of read.tokens) {
      tokens.push([number + 1, column(line, startIndex), column(line, endIndex), scopes]);
    }
  });
  return tokens;
}

async function main() {
  await oniguruma.loadWASM(fs.readFileSync(path.join(modules, "vscode-oniguruma", "release", "onig.wasm")));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(fs.readFileSync(grammarFile, "utf-8"), grammarFile),
  });
  const grammar = await registry.loadGrammar("source.gatecheck");
  const files = JSON.parse(fs.readFileSync(0, "utf-8"));
  const read = Object.entries(files).map(([name, text]) => [name, tokenize(grammar, text)]);
  process.stdout.write(JSON.stringify(Object.fromEntries(read)));
}

main();
